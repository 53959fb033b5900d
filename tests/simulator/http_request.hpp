// A request of either protocol, and the reader of HTTP/1.1 requests.
//
// Small, because it serves a simulation: it parses the four things that the simulator uses and rejects everything
// unexpected. Not a general parser; the listeners of the daemon use Beast.

#ifndef KALLGLOT_SIMULATOR_HTTP_REQUEST_HPP
#define KALLGLOT_SIMULATOR_HTTP_REQUEST_HPP

#include <cstddef>
#include <optional>
#include <string_view>

namespace kallglot::simulator {

/// The parts of a request that the simulator uses.
///
/// Lifetime:   views into the parsed buffer
struct http_request {
    std::string_view method;
    std::string_view path;
    std::string_view query;
    std::string_view key; // from `Authorization: Bearer`, else from `X-API-Key`
    std::string_view body;
    bool keep_alive{true};
};

enum class parse_outcome { complete, incomplete, malformed };

struct parse_result {
    parse_outcome outcome{parse_outcome::incomplete};
    std::size_t size{0}; // bytes of the buffer that the request took, if complete
    http_request request;
};

inline constexpr std::size_t max_head_bytes = 16 * 1024;
inline constexpr std::size_t max_body_bytes = 1024 * 1024;

/// Reads the request at the front of `data`. Only bodies with a Content-Length are taken.
[[nodiscard]] parse_result parse_request(std::string_view data);

/// Splits a request's target into path and query.
void set_target(http_request& request, std::string_view target);

/// The key in a value of `Authorization`; empty if it is not `Bearer`.
[[nodiscard]] std::string_view bearer_of(std::string_view authorization);

/// The value of `name` in a query such as `a=1&b=2`, not decoded.
[[nodiscard]] std::optional<std::string_view> query_value(std::string_view query,
                                                          std::string_view name);

} // namespace kallglot::simulator

#endif
