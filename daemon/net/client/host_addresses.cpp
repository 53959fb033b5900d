#include "net/client/host_addresses.hpp"

#include "kallglot/async/deadline.hpp"

#include <utility>
#include <vector>

namespace kallglot {

host_addresses::host_addresses(loop_executor executor,
                               resolver& names,
                               address_listener& listener,
                               task_group::failure_handler on_bug)
    : resolver_(names),
      listener_(listener),
      lookups_(executor, std::move(on_bug)) {}

void host_addresses::use(std::string host, std::uint16_t port, bool loopback_only) {
    // Addresses of another host must not get the key.
    if (host != host_ || port != port_ || loopback_only != loopback_only_) {
        loopback_only_ = loopback_only;
        host_ = std::move(host);
        port_ = port;
        book.clear();
    }
}

void host_addresses::refresh(steady_time now) {
    // One lookup at a time: the resolver has one thread, and lookups of one name would queue up.
    if (book.stale(now) && !running_ && !stopped_) {
        running_ = true;
        lookups_.spawn("address lookup", look_up());
    }
}

void host_addresses::stop() {
    stopped_ = true;
    // The call of getaddrinfo continues on its thread; only the wait for it ends.
    lookups_.cancel(asio::cancellation_type::terminal);
}

task<> host_addresses::look_up() {
    // Copies, because use() may change the members during the lookup.
    const std::string host = host_;
    const std::uint16_t port = port_;
    const bool loopback_only = loopback_only_;
    auto found = co_await resolver_.resolve(host, port);
    running_ = false;
    if (stopped_) {
        co_return;
    }
    const steady_time now = timer_now();
    // A reload has changed the host meanwhile: the result is dropped, and a new lookup starts.
    if (host != host_ || port != port_ || loopback_only != loopback_only_) {
        refresh(now);
        co_return;
    }
    // `localhost` leads to this machine by convention only; the host that answers to it could get the key in plain text.
    std::string_view detail;
    if (found && loopback_only_) {
        std::erase_if(*found,
                      [](const tcp_endpoint& each) { return !each.address().is_loopback(); });
    }
    if (found && found->empty()) {
        found = errc::name_not_resolved;
        detail = "plain HTTP needs a loopback address, and the name has none";
    }
    if (found) {
        book.assign(*found, now);
    } else if (!book.empty()) {
        // The old addresses stay in use: the API is often reachable when the DNS is not.
        book.note_failed_lookup(now);
    }
    listener_.on_looked_up(found ? error_code() : found.error(), detail);
}

} // namespace kallglot
