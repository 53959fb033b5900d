/// Puts the transport of the agreed version of HTTP on an open connection.

#ifndef KALLGLOT_NET_CLIENT_API_TRANSPORT_HPP
#define KALLGLOT_NET_CLIENT_API_TRANSPORT_HPP

#include "kallglot/settings/settings.hpp"
#include "net/client/api_channel.hpp"
#include "net/client/api_connection.hpp"
#include "net/client/connection_scratch.hpp"
#include "net/client/http_version_memory.hpp"

#include <cstdint>
#include <memory>

namespace kallglot {

/// What all transports of a pool share. Lifetime: outlives the transports.
struct transport_parts {
    exchange_listener& listener;
    connection_scratch& scratch;
    const api_settings& settings;
    const http_version_memory& versions;
};

/// `number` counts the connections; it spreads their ages. Lifetime: owner outlives the transport.
[[nodiscard]] std::unique_ptr<api_connection> make_transport(api_channel channel,
                                                             pooled_connection& owner,
                                                             const transport_parts& parts,
                                                             std::uint64_t number,
                                                             steady_time now);

} // namespace kallglot

#endif
