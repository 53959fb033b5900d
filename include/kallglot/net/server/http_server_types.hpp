/// What a handler of the HTTP server gets and gives: plain values without sockets.
///
/// They are ours and not Beast's, so that routes and their tests neither include nor know the library that parses.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_TYPES_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_TYPES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kallglot {

/// A complete, checked request. Its texts come from outside and are never written back to the client.
struct http_request {
    std::string method; ///< as sent, GET for instance
    std::string path;   ///< begins with a slash; percent signs are left as they are
    std::string query;  ///< behind the question mark; empty without one
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    bool keep_alive = true;
    bool is_http_1_0 = false;

    /// The value of the first field of that name, in any case; empty when there is none.
    [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
};

/// A large body that several answers may share, or a text of its own.
using http_body = std::variant<std::string, std::shared_ptr<const std::string>>;

/// What a handler answers. Length, date and connection are the server's business.
struct http_response {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::vector<std::pair<std::string, std::string>> fields;
    http_body body;

    [[nodiscard]] std::string_view body_text() const noexcept;
};

/// A short answer in plain text, with a line end added.
[[nodiscard]] http_response make_text_response(int status, std::string_view text);

/// How much one listener takes from its clients.
struct http_limits {
    std::size_t header_bytes = std::size_t{16} * 1024;
    std::size_t body_bytes = std::size_t{1024} * 1024;
    std::size_t max_connections = 256;
    std::uint32_t requests_per_connection = 1000;
    std::chrono::milliseconds request_timeout =
        std::chrono::seconds(10); ///< accept or first byte to last byte
    std::chrono::milliseconds write_timeout = std::chrono::seconds(10); ///< the whole answer
    std::chrono::milliseconds idle_timeout = std::chrono::minutes(2);   ///< between two requests
};

/// The standard phrase of a status; "Unknown" for others.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

/// The bytes of the head of an answer, empty line included.
///
/// Units: `wall_seconds` is Unix time, for the field Date.
[[nodiscard]] std::string serialize_head(const http_response& response,
                                         std::int64_t wall_seconds,
                                         bool keep_alive);

/// Monday's form of a time: `Mon, 23 Nov 2026 01:42:20 GMT`.
///
/// Source: RFC 9110 section 5.6.7, IMF-fixdate.
[[nodiscard]] std::string format_http_date(std::int64_t wall_seconds);

} // namespace kallglot

#endif
