/// How many connections the pool needs, by the requests it has and the version of HTTP.
///
/// HTTP/1.1 needs a connection for each request. With HTTP/2 a few carry all, with a quarter in reserve. Pure.

#ifndef KALLGLOT_NET_CLIENT_CONNECTION_DEMAND_HPP
#define KALLGLOT_NET_CLIENT_CONNECTION_DEMAND_HPP

#include "kallglot/ports/api_client.hpp"

#include <cstddef>
#include <optional>

namespace kallglot {

/// What the pool knows. Loop only.
struct connection_demand {
    std::optional<http_version>
        version; ///< that the next connection will speak; nothing if not known
    std::size_t in_flight = 0;
    std::size_t waiting = 0;           ///< for any connection
    std::size_t waiting_for_fresh = 0; ///< for a new connection
    std::size_t open = 0;              ///< without those that are opening, worn or ending
    std::size_t streams = 1;           ///< requests that one connection carries at a time
    std::size_t addresses = 1;         ///< of the API
    bool starved = false; ///< an open connection carries nothing and has no room all the same
    bool reserve = true;  ///< whether connections may be opened before requests wait for them

    /// How many HTTP/2 connections the load needs.
    [[nodiscard]] std::size_t connections() const noexcept;

    /// How many connections should be opening now.
    [[nodiscard]] std::size_t openings() const noexcept;
};

} // namespace kallglot

#endif
