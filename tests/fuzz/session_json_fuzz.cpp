// Bodies of the API: the session parser, at once and split at a position from the body's hash, and the parser of
// errors.

#include "kallglot/api/api_error_parser.hpp"
#include "kallglot/api/session_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>

namespace {

using namespace kallglot;
constexpr std::string_view name = "sess_01JQ7N0C5VXB3HEZ";

result<session_snapshot> read(std::string_view text, std::size_t split) {
    static session_parser parser;
    static const session_id id = session_id::parse(name).value();
    parser.start(id);
    parser.write(text.substr(0, split));
    parser.write(text.substr(split));
    return parser.finish();
}

bool same(const session_snapshot& a, const session_snapshot& b) {
    return a.status == b.status && a.mode == b.mode && a.provider == b.provider
           && a.reason == b.reason && a.created_at == b.created_at && a.started_at == b.started_at
           && a.ended_at == b.ended_at;
}

// A session is only accepted if the text contains its id and a status. With escapes they cannot be searched for.
bool believable(const session_snapshot& session, std::string_view text) {
    const bool named = text.find('\\') != std::string_view::npos
                       || (text.find(name) != std::string_view::npos
                           && text.find("\"status\"") != std::string_view::npos);
    return named && (!session.ended_at || session.status == session_status::ended);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const result<session_snapshot> at_once = read(text, 0);
    const result<session_snapshot> in_two =
        read(text, std::hash<std::string_view>()(text) % (size + 1));
    const bool alike =
        at_once ? in_two && same(*at_once, *in_two) : !in_two && at_once.error() == in_two.error();
    if (!alike || (at_once && !believable(*at_once, text))) {
        std::abort();
    }
    static_cast<void>(parse_api_error(text));
    return 0;
}
