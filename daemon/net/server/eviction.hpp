/// Chooses the connection that is closed for a new one when a listener has as many as it may.
///
/// A pure function of plain data. The client with the most connections loses one, so that it cannot shut out the others.

#ifndef KALLGLOT_NET_SERVER_EVICTION_HPP
#define KALLGLOT_NET_SERVER_EVICTION_HPP

#include "kallglot/net/server/http_server_types.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <span>

namespace kallglot {

/// The network of an address. An IPv4 address inside IPv6 (a socket for both families) counts as IPv4.
[[nodiscard]] peer_network network_of(const boost::asio::ip::address& where) noexcept;

/// One connection, as far as the choice needs it.
struct open_connection {
    peer_network network;
    bool is_answering = false; ///< the gate or the handler works
    bool is_stalled = false;   ///< the client takes nothing, or its handshake waits
};

/// The index of the connection to close. `connections` are in the order of their last complete request, the oldest first;
/// `newcomer` counts as a connection of its network.
///
/// First decides the network with the most connections, then a stall, then the order. A connection that is being answered is
/// chosen only if all are. Precondition: there is one.
///
/// Cost: O(n log n).
[[nodiscard]] std::size_t choose_for_eviction(std::span<const open_connection> connections,
                                              peer_network newcomer);

} // namespace kallglot

#endif
