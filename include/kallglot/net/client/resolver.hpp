/// Names to addresses on a worker thread of ours.
///
/// Asio's own resolver cannot be cancelled and is waited for when the loop is destroyed; a DNS that does not answer
/// would keep the daemon from stopping. Nothing is cached here: see address_book.

#ifndef KALLGLOT_NET_CLIENT_RESOLVER_HPP
#define KALLGLOT_NET_CLIENT_RESOLVER_HPP

#include "kallglot/async/worker_thread.hpp"
#include "kallglot/base/error.hpp"
#include "net/sockets.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: the worker outlives it.
class resolver {
public:
    /// Blocks; called on the worker. Tests give one of their own.
    using lookup_function = std::function<result<std::vector<tcp_endpoint>>(const std::string& host,
                                                                            std::uint16_t port)>;

    /// Asks the system.
    explicit resolver(worker_thread& worker);
    resolver(worker_thread& worker, lookup_function lookup);

    /// The addresses of `host`, at least one. An IP address is returned as it is, without the worker.
    ///
    /// Errors: name_not_resolved; cancelled.
    /// Cancel: terminal, at once; the lookup itself goes on.
    [[nodiscard]] task<result<std::vector<tcp_endpoint>>> resolve(std::string host,
                                                                  std::uint16_t port);

private:
    worker_thread& worker_;
    lookup_function lookup_;
};

/// getaddrinfo. Blocking, any thread. Errors: name_not_resolved.
[[nodiscard]] result<std::vector<tcp_endpoint>> look_up(const std::string& host,
                                                        std::uint16_t port);

} // namespace kallglot

#endif
