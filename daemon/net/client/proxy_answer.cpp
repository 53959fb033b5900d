#include "net/client/proxy_answer.hpp"

#include "kallglot/base/text.hpp"

namespace kallglot {

namespace {

using state = proxy_answer::state_type;

} // namespace

proxy_answer read_proxy_answer(std::string_view bytes) noexcept {
    // A peer of another protocol is recognised by its first bytes; it may never send an empty line.
    constexpr std::string_view version = "HTTP/1.";
    constexpr std::size_t status_at = version.size() + 2;
    const bool is_http = version.starts_with(bytes.substr(0, version.size()))
                         && (bytes.size() < status_at
                             || (is_digit(bytes[version.size()]) && bytes[status_at - 1] == ' '));
    if (!is_http) {
        return {state::refused, "the response of the proxy is not HTTP/1"};
    }
    // The status is checked when the whole header has arrived; until then the answer is `incomplete`.
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        return bytes.size() < max_proxy_header_bytes
                   ? proxy_answer{}
                   : proxy_answer{state::refused, "the response header of the proxy exceeds 8 KiB"};
    }
    // At least that many bytes are there: the first seven are the version, and the empty line has four more.
    const std::string_view status = bytes.substr(status_at, 3);
    if (status.size() != 3 || !is_digit(status[0]) || !is_digit(status[1])
        || !is_digit(status[2])) {
        return {state::refused, "the response of the proxy is not HTTP/1"};
    }
    // Named apart, because the operator can fix it.
    if (status == "407") {
        return {state::refused, "the proxy requires authentication"};
    }
    if (status[0] != '2') {
        return {state::refused, "the proxy rejected the CONNECT request"};
    }
    // Data before our ClientHello would become part of the TLS handshake.
    if (bytes.size() != end + 4) {
        return {state::refused, "the proxy sent data after its response header"};
    }
    return {state::open, {}};
}

} // namespace kallglot
