/// The addresses of the API's host, or of the proxy: looks them up, and again when they are old.
///
/// Requests use the addresses that are known while a lookup runs. Which address is tried first, and which one is
/// avoided, is the matter of address_book.

#ifndef KALLGLOT_NET_CLIENT_HOST_ADDRESSES_HPP
#define KALLGLOT_NET_CLIENT_HOST_ADDRESSES_HPP

#include "kallglot/async/task_group.hpp"
#include "kallglot/net/client/resolver.hpp"
#include "net/client/address_book.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot {

/// Receives the result of each lookup. Loop only.
class address_listener {
public:
    /// Without error the book has the new addresses; otherwise it still has the old ones, if there are any. `detail` is
    /// static text for the log and may be empty.
    virtual void on_looked_up(const error_code& error, std::string_view detail) = 0;

protected:
    ~address_listener() = default;
};

/// Loop only. Lifetime: resolver and listener outlive it. Before it is destroyed: stop(), then join().
class host_addresses {
public:
    host_addresses(loop_executor executor,
                   resolver& names,
                   address_listener& listener,
                   task_group::failure_handler on_bug);

    /// The host to look up from now on. The addresses of another host are forgotten. `loopback_only` drops every address
    /// that is not of this machine: for plain HTTP.
    void use(std::string host, std::uint16_t port, bool loopback_only);

    /// Starts a lookup if one is due.
    void refresh(steady_time now);

    /// No further lookup starts, and the listener is not called any more.
    void stop();

    [[nodiscard]] task<> join() { co_await lookups_.join(); }

    address_book book;

private:
    task<> look_up();

    resolver& resolver_;
    address_listener& listener_;
    std::string host_;
    std::uint16_t port_ = 0;
    bool loopback_only_ = false;
    bool running_ = false;
    bool stopped_ = false;
    task_group lookups_;
};

} // namespace kallglot

#endif
