/// Reads the response of an HTTP proxy to CONNECT: open, refused, or incomplete. A pure function of the bytes so far.

#ifndef KALLGLOT_NET_CLIENT_PROXY_ANSWER_HPP
#define KALLGLOT_NET_CLIENT_PROXY_ANSWER_HPP

#include <cstdint>
#include <string_view>

namespace kallglot {

struct proxy_answer {
    enum class state_type : std::uint8_t { incomplete, open, refused };

    state_type state = state_type::incomplete;
    std::string_view detail; ///< why refused; static text
};

/// Limit for the response header of a proxy.
inline constexpr std::size_t max_proxy_header_bytes = 8192;

/// Reads the bytes received so far.
///
/// Source: RFC 9110 section 9.3.6, RFC 9112: any 2xx opens the tunnel, and the tunnel begins behind the empty line.
///         Bytes there cannot come from the API, because a TLS server waits for the client to begin.
[[nodiscard]] proxy_answer read_proxy_answer(std::string_view bytes) noexcept;

} // namespace kallglot

#endif
