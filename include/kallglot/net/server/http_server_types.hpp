/// Requests, responses and limits of the HTTP server: plain values without sockets.
///
/// They are the project's own types, so that handlers and their tests do not depend on Beast.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_TYPES_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_TYPES_HPP

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kallglot {

/// The network that counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, since one host may
/// use every address below them. Clients behind one proxy or NAT share a network.
struct peer_network {
    std::uint64_t prefix = 0; ///< an IPv4 address in the lower 32 bits
    bool is_v6 = false;

    friend auto operator<=>(const peer_network&, const peer_network&) = default;
};

/// Where a client of a listener is: the server shares its connections by the network, and the check of Host depends on
/// the loopback.
struct http_client_place {
    peer_network network;
    bool on_loopback = false; ///< the listener is bound to a loopback address
};

/// A complete, checked request. Its texts come from the client and must never be echoed in a response.
struct http_request {
    std::string method; ///< as sent, GET for instance
    std::string path;   ///< begins with a slash; percent-encoding is not decoded
    std::string query;  ///< behind the question mark; empty without one
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    bool keep_alive = true;
    bool is_http_1_0 = false;
    http_client_place client;

    /// The value of the first field of that name, in any case; empty when there is none.
    [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
};

/// A text, or a large text that several responses share.
using http_body = std::variant<std::string, std::shared_ptr<const std::string>>;

/// The response of a handler. The server adds length, date and connection.
struct http_response {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::vector<std::pair<std::string, std::string>> fields;
    http_body body;

    [[nodiscard]] std::string_view body_text() const noexcept;
};

/// A short response in plain text; adds a line end.
[[nodiscard]] http_response make_text_response(int status, std::string_view text);

/// Limits and timeouts of one listener.
struct http_limits {
    std::size_t header_bytes = std::size_t{16} * 1024;
    std::size_t body_bytes = std::size_t{1024} * 1024;
    std::size_t max_connections = 256;
    std::uint32_t requests_per_connection = 1000;
    std::chrono::milliseconds request_timeout =
        std::chrono::seconds(10); ///< from accept or first byte to the last byte
    std::chrono::milliseconds write_timeout = std::chrono::seconds(10); ///< for the whole response
    std::chrono::milliseconds idle_timeout = std::chrono::minutes(2);   ///< between two requests
};

/// The standard phrase of a status; "Unknown" for others.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

/// The head of a response as bytes, with its empty line.
///
/// Units: `wall_seconds` is Unix time, for the field Date.
[[nodiscard]] std::string serialize_head(const http_response& response,
                                         std::int64_t wall_seconds,
                                         bool keep_alive);

/// A time in the form of HTTP's field Date: `Mon, 23 Nov 2026 01:42:20 GMT`.
///
/// Source: RFC 9110 section 5.6.7, IMF-fixdate.
[[nodiscard]] std::string format_http_date(std::int64_t wall_seconds);

} // namespace kallglot

#endif
