#include "net/server/eviction.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <tuple>
#include <vector>

namespace kallglot {

namespace {

namespace ip = boost::asio::ip;

// The upper half of an address.
[[nodiscard]] std::uint64_t prefix_of(const ip::address_v6& address) noexcept {
    const ip::address_v6::bytes_type bytes = address.to_bytes();
    std::uint64_t prefix = 0;
    for (std::size_t i = 0; i < sizeof prefix; ++i) {
        prefix = prefix << 8U | bytes[i];
    }
    return prefix;
}

} // namespace

peer_network network_of(const ip::address& where) noexcept {
    if (where.is_v4()) {
        return {where.to_v4().to_uint(), false};
    }
    // Otherwise all clients of IPv4 would share one network.
    const ip::address_v6 address = where.to_v6();
    if (address.is_v4_mapped()) {
        return {ip::make_address_v4(ip::v4_mapped, address).to_uint(), false};
    }
    return {prefix_of(address), true};
}

std::size_t choose_for_eviction(std::span<const open_connection> connections,
                                peer_network newcomer) {
    assert(!connections.empty());
    // Sorted, so that the connections of a network stand together and can be counted.
    std::vector<peer_network> networks{newcomer};
    networks.reserve(connections.size() + 1);
    for (const open_connection& one : connections) {
        networks.push_back(one.network);
    }
    std::ranges::sort(networks);

    std::size_t chosen = 0;
    // In this order: a connection that is being answered is the last to go. Of the others one of the network with the
    // most, since it takes the room of the rest. There a connection that stalls first.
    std::tuple<bool, std::size_t, bool> best;
    for (std::size_t i = 0; i < connections.size(); ++i) {
        const open_connection& one = connections[i];
        const std::size_t siblings = std::ranges::equal_range(networks, one.network).size();
        const std::tuple<bool, std::size_t, bool> rank{!one.is_answering, siblings, one.is_stalled};
        // Of equals the first stays, which is longest without a complete request.
        if (i == 0 || rank > best) {
            chosen = i;
            best = rank;
        }
    }
    return chosen;
}

} // namespace kallglot
