#include "kallglot/net/client/resolver.hpp"

#include <boost/asio/ip/address.hpp>

#include <netdb.h>

#include <cstring>
#include <memory>
#include <utility>

namespace kallglot {

resolver::resolver(worker_thread& worker) : resolver(worker, look_up) {}

resolver::resolver(worker_thread& worker, lookup_function lookup)
    : worker_(worker),
      lookup_(std::move(lookup)) {}

task<result<std::vector<tcp_endpoint>>> resolver::resolve(std::string host, std::uint16_t port) {
    using addresses = std::vector<tcp_endpoint>;
    // An IP address needs no lookup, and works even while the worker is stuck.
    error_code not_an_address;
    const asio::ip::address address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) {
        co_return addresses(1, tcp_endpoint(address, port));
    }
    // The work copies all it uses, because it continues if this task is cancelled.
    std::function<result<addresses>()> work = [lookup = lookup_, host = std::move(host), port] {
        return lookup(host, port);
    };
    result<addresses> found = co_await worker_.run<addresses>(std::move(work));
    co_return found;
}

task<result<std::vector<std::string>>> resolver::addresses_of(std::string host) {
    const auto found = co_await resolve(std::move(host), 0);
    if (!found) {
        co_return found.error();
    }
    std::vector<std::string> texts;
    for (const tcp_endpoint& each : *found) {
        texts.push_back(each.address().to_string());
    }
    co_return texts;
}

// Runs on the worker: getaddrinfo may block for as long as the DNS timeout.
result<std::vector<tcp_endpoint>> look_up(const std::string& host, std::uint16_t port) {
    // ADDRCONFIG: no IPv6 addresses on a machine without IPv6, where each would only fail.
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    // One entry for each address; without it getaddrinfo lists each once for every kind of socket.
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
        return errc::name_not_resolved;
    }
    // Freed on every path, also if the vector below throws.
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);

    std::vector<tcp_endpoint> addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        tcp_endpoint endpoint;
        // Asio cannot represent other kinds of addresses.
        if (each->ai_addrlen <= endpoint.capacity()) {
            std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
            endpoint.resize(each->ai_addrlen);
            endpoint.port(port);
            addresses.push_back(endpoint);
        }
    }
    // A name can exist without an address. To the client both are the same.
    if (addresses.empty()) {
        return errc::name_not_resolved;
    }
    return addresses;
}

} // namespace kallglot
