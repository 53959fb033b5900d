/// DNS lookups on a worker thread.
///
/// Asio's resolver cannot be cancelled, and destroying the loop waits for it: a DNS that does not answer would keep the
/// daemon from stopping. Nothing is cached here; see address_book.

#ifndef KALLGLOT_NET_CLIENT_RESOLVER_HPP
#define KALLGLOT_NET_CLIENT_RESOLVER_HPP

#include "kallglot/async/worker_thread.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/ports/address_lookup.hpp"
#include "net/sockets.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: the worker outlives it.
class resolver final : public address_lookup {
public:
    /// Looks a name up. May block; called on the worker. Tests replace it.
    using lookup_function = std::function<result<std::vector<tcp_endpoint>>(const std::string& host,
                                                                            std::uint16_t port)>;

    /// Looks names up with look_up().
    explicit resolver(worker_thread& worker);
    resolver(worker_thread& worker, lookup_function lookup);

    /// The addresses of `host`, at least one. An IP address is returned unchanged, without the worker.
    ///
    /// Errors: name_not_resolved; cancelled.
    /// Cancel: terminal, at once; the lookup itself continues on the worker.
    [[nodiscard]] task<result<std::vector<tcp_endpoint>>> resolve(std::string host,
                                                                  std::uint16_t port);

    /// As resolve(), without a port.
    [[nodiscard]] task<result<std::vector<std::string>>> addresses_of(std::string host) override;

private:
    worker_thread& worker_;
    lookup_function lookup_;
};

/// getaddrinfo. Blocking, any thread. Errors: name_not_resolved.
[[nodiscard]] result<std::vector<tcp_endpoint>> look_up(const std::string& host,
                                                        std::uint16_t port);

} // namespace kallglot

#endif
