// Bytes of a client of a listener, split at a position from their hash, up to the last request in them.

#include "net/server/http_server_parser.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    using state = http_server_parser::state;
    constexpr std::array refusals = {400, 413, 417, 431, 501};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t split = std::hash<std::string_view>()(text) % (size + 1);

    http_limits limits;
    limits.header_bytes = 2048;
    limits.body_bytes = 512;
    http_server_parser parser(limits);
    parser.put(text.substr(0, split));
    parser.put(text.substr(split));
    for (;;) {
        if (parser.now() == state::expect_continue) {
            parser.note_continue_sent();
            if (parser.now() == state::expect_continue) {
                std::abort();
            }
            continue;
        }
        if (parser.now() != state::complete) {
            break;
        }
        const http_request request = parser.take();
        const bool of_server = request.method == "OPTIONS" && request.path == "*";
        const bool whole = !request.method.empty() && (of_server || request.path.starts_with('/'))
                           && request.body.size() <= limits.body_bytes
                           && request.fields.size() <= 100
                           && (request.field("Transfer-Encoding").empty()
                               || request.field("Content-Length").empty());
        if (!whole) {
            std::abort();
        }
    }
    if (parser.now() == state::refused
        && std::ranges::find(refusals, parser.refusal()) == refusals.end()) {
        std::abort();
    }
    return 0;
}
