// Bytes of a connection to the API, at once and split at a position from their hash: the results must be equal.

#include "net/client/response_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <span>
#include <string_view>

namespace {

using namespace kallglot;
using progress = response_reader::progress;

progress read(response_reader& reader, std::span<const char> bytes, std::size_t split) {
    static const session_id id = session_id::parse("sess_01JQ7N0C5VXB3HEZ").value();
    reader.start(id, 64 * 1024);
    const progress made = reader.feed(bytes.first(split));
    return made == progress::failed ? made : reader.feed(bytes.subspan(split));
}

bool plausible(progress made, const api_answer& answer) {
    if (made == progress::failed) {
        return answer.error && answer.http_status == 0;
    }
    if (made == progress::more || answer.error) {
        return answer.http_status == 0;
    }
    const session_snapshot& session = answer.snapshot;
    return answer.http_status >= 100 && answer.http_status <= 599
           && (!session.ended_at || session.status == session_status::ended);
}

bool same(const api_answer& a, const api_answer& b) {
    return a.error == b.error && a.http_status == b.http_status
           && a.snapshot.status == b.snapshot.status && a.snapshot.mode == b.snapshot.mode
           && a.snapshot.provider == b.snapshot.provider && a.snapshot.reason == b.snapshot.reason
           && a.snapshot.created_at == b.snapshot.created_at
           && a.snapshot.started_at == b.snapshot.started_at
           && a.snapshot.ended_at == b.snapshot.ended_at && a.problem.kind == b.problem.kind
           && a.problem.retry_after == b.problem.retry_after
           && a.headers.retry_after == b.headers.retry_after && a.headers.date == b.headers.date;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static response_reader whole;
    static response_reader pieces;
    const std::span<const char> bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t split =
        std::hash<std::string_view>()({bytes.data(), bytes.size()}) % (size + 1);
    const progress at_once = read(whole, bytes, 0);
    const progress in_two = read(pieces, bytes, split);
    // For an incomplete response, the pieces decide how early an error is found.
    const bool endless = at_once == progress::more || in_two == progress::more;
    const bool alike = endless ? at_once != progress::complete && in_two != progress::complete
                               : at_once == in_two && same(whole.answer(), pieces.answer());
    if (!alike || !plausible(at_once, whole.answer()) || !plausible(in_two, pieces.answer())) {
        std::abort();
    }
    whole.forget();
    pieces.forget();
    return 0;
}
