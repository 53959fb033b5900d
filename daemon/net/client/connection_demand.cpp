#include "net/client/connection_demand.hpp"

#include <algorithm>

namespace kallglot {

namespace {

// Handshakes at a time. A full handshake takes as much processor time as a hundred polls.
constexpr std::size_t max_handshakes = 64;
// With HTTP/2 each connection carries many requests.
constexpr std::size_t max_http2_handshakes = 4;

// From so many requests on, the loss of one address must not stop all of them.
constexpr std::size_t two_addresses_from = 16;

constexpr std::size_t divide_up(std::size_t count, std::size_t by) noexcept {
    return (count + by - 1) / by;
}

} // namespace

std::size_t connection_demand::connections() const noexcept {
    // Everything that needs a stream now, whether it has one or not.
    const std::size_t load = in_flight + waiting + waiting_for_fresh;
    const std::size_t least = load > two_addresses_from && addresses > 1 ? 2 : 1;
    // A quarter in reserve.
    // In whole connections. The minimum holds without load too.
    return std::max(divide_up(5 * load, 4 * streams), least);
}

std::size_t connection_demand::openings() const noexcept {
    const std::size_t requests = waiting + waiting_for_fresh;
    // The first connection shows whether one is enough for all.
    if (!version) {
        return std::min<std::size_t>(requests, 1);
    }
    // Connections that become free meanwhile serve waiting requests as well, and what is then surplus stays idle.
    if (*version == http_version::http_1_1) {
        return std::min(requests, max_handshakes);
    }
    const std::size_t wanted = connections();
    // Without a request, a connection that ends is not replaced.
    const bool in_reserve = reserve && in_flight + requests > 0;
    std::size_t missing = in_reserve && wanted > open ? wanted - open : 0;
    // Another connection to the same servers would get no room either.
    if (waiting > 0 && !starved) {
        missing = std::max<std::size_t>(missing, 1);
    }
    // Only new connections can serve these, however much room the open ones have.
    missing = std::max(missing, divide_up(waiting_for_fresh, streams));
    return std::min(missing, max_http2_handshakes);
}

} // namespace kallglot
