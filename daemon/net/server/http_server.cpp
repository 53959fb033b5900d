// Listening, accepting, making room, deadlines and stopping; what happens on a connection is next door.

#include "kallglot/net/server/http_server.hpp"

#include "net/server/http_server_connection.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>

namespace kallglot {

namespace {

using tcp = asio::ip::tcp;

// After a failed accept: long enough not to spin while descriptors are short, short enough for a scrape to retry.
constexpr milliseconds accept_pause(100);
// Each turn of the loop may be as long as an answer to everybody; one accepted a turn, a client behind a hundred others
// would wait for a hundred of them.
constexpr int accepted_at_once = 16;

[[nodiscard]] result<std::vector<tcp_endpoint>> resolve_listen(loop_executor executor,
                                                               const listen_address& address) {
    if (address.host.empty()) {
        return std::vector<tcp_endpoint>{tcp_endpoint(tcp::v6(), address.port),
                                         tcp_endpoint(tcp::v4(), address.port)};
    }
    error_code error;
    const asio::ip::address literal = asio::ip::make_address(address.host, error);
    if (!error) {
        return std::vector<tcp_endpoint>{tcp_endpoint(literal, address.port)};
    }
    asio::ip::basic_resolver<tcp, loop_executor> resolver(executor);
    const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
    if (error || found.empty()) {
        return make_error_code(errc::name_not_resolved);
    }
    return std::vector<tcp_endpoint>{found.begin()->endpoint()};
}

[[nodiscard]] error_code open(tcp_acceptor& acceptor,
                              const tcp_endpoint& where,
                              bool both_families) {
    error_code error;
    acceptor.open(where.protocol(), error);
    if (error) {
        return error;
    }
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (both_families && where.protocol() == tcp::v6()) {
        acceptor.set_option(asio::ip::v6_only(false), error);
    }
    if (!error) {
        acceptor.bind(where, error);
    }
    if (!error) {
        acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
        acceptor.non_blocking(true, error);
    }
    if (error) {
        error_code ignored;
        acceptor.close(ignored);
    }
    return error;
}

[[nodiscard]] std::string to_text(const tcp_endpoint& where) {
    const std::string host = where.address().to_string();
    const std::string port = std::to_string(where.port());
    return where.address().is_v6() ? '[' + host + "]:" + port : host + ':' + port;
}

} // namespace

http_server::http_server(loop_executor executor,
                         std::string name,
                         const http_routes& routes,
                         http_limits limits,
                         clock& time,
                         logger& log)
    : executor_(std::move(executor)),
      name_(std::move(name)),
      routes_(routes),
      limits_(limits),
      clock_(time),
      log_(log),
      sweep_timer_(time.make_timer(&http_server::on_sweep, this)),
      group_(executor_, [this](const std::string& task_name, const std::string& what) {
          log_.error("task failed", {{"task", task_name}, {"error", what}});
      }) {}

http_server::~http_server() {
    assert(connections_.empty() && "finish() or cut() and join() come first");
}

error_code http_server::listen(const listen_address& address) {
    const result<std::vector<tcp_endpoint>> candidates = resolve_listen(executor_, address);
    if (!candidates) {
        return candidates.error();
    }
    // All addresses: one socket for both families, or IPv4 alone where there is no IPv6.
    error_code error;
    auto fresh = std::make_unique<listener>(executor_);
    for (const tcp_endpoint& where : *candidates) {
        error = open(fresh->acceptor, where, address.host.empty());
        const bool no_such_family = error == asio::error::address_family_not_supported
                                    || error == boost::system::errc::address_not_available;
        if (!no_such_family) {
            break;
        }
    }
    if (error) {
        return error;
    }
    begin(std::move(fresh));
    return {};
}

error_code http_server::adopt(int descriptor) {
    sockaddr_storage where{};
    socklen_t size = sizeof where;
    int listening = 0;
    socklen_t answer_size = sizeof listening;
    const bool is_listener =
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&where), &size) == 0
        && (where.ss_family == AF_INET || where.ss_family == AF_INET6)
        && ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &answer_size) == 0
        && listening != 0;
    if (!is_listener) {
        return asio::error::invalid_argument;
    }
    auto fresh = std::make_unique<listener>(executor_);
    error_code error;
    fresh->acceptor.assign(where.ss_family == AF_INET ? tcp::v4() : tcp::v6(), descriptor, error);
    if (!error) {
        fresh->acceptor.non_blocking(true, error);
    }
    if (!error) {
        begin(std::move(fresh));
    }
    return error;
}

void http_server::begin(std::unique_ptr<listener> fresh) {
    listener* const from = fresh.get();
    listeners_.push_back(std::move(fresh));
    group_.spawn(name_ + " listener", accept(from));
}

std::vector<std::string> http_server::addresses() const {
    std::vector<std::string> texts;
    for (const auto& one : listeners_) {
        error_code error;
        texts.push_back(to_text(one->acceptor.local_endpoint(error)));
    }
    return texts;
}

std::uint16_t http_server::port() const {
    error_code error;
    return listeners_.empty() ? std::uint16_t{0}
                              : listeners_.front()->acceptor.local_endpoint(error).port();
}

std::size_t http_server::connections() const noexcept {
    return connections_.size();
}

task<> http_server::accept(listener* from) {
    co_await asio::this_coro::throw_if_cancelled(false);
    bool told = false;
    while (!finishing_) {
        tcp_socket peer(executor_);
        const std::tuple<error_code> outcome = co_await from->acceptor.async_accept(peer, as_tuple);
        const error_code error = std::get<0>(outcome);
        if (finishing_) {
            break;
        }
        if (error) {
            // Once a streak: a shortage of descriptors lasts, and the log must not.
            if (!std::exchange(told, true)) {
                log_.warn("accept failed", {{"listener", name_}, {"error", error.message()}});
            }
            from->pause.expires_after(accept_pause);
            co_await from->pause.async_wait(as_tuple);
            continue;
        }
        told = false;
        admit(std::move(peer));
        admit_waiting(from->acceptor);
    }
}

void http_server::admit_waiting(tcp_acceptor& acceptor) {
    for (int admitted = 1; admitted < accepted_at_once; ++admitted) {
        tcp_socket peer(executor_);
        error_code error;
        acceptor.accept(peer, error);
        if (error) {
            return; // nobody waits, or the next wait for one tells what is wrong
        }
        admit(std::move(peer));
    }
}

void http_server::admit(tcp_socket peer) {
    error_code ignored;
    peer.set_option(tcp::no_delay(true), ignored);
    make_room();
    const auto where =
        connections_.emplace(connections_.end(), std::move(peer), limits_, tls_ ? &*tls_ : nullptr);
    // The first request counts from here, so that a client that says nothing is closed as well.
    set_deadline(*where, clock_.now() + limits_.request_timeout);
    group_.spawn(name_ + " connection", serve(connection_entry(connections_, where)));
}

void http_server::make_room() {
    const auto alive =
        static_cast<std::size_t>(std::ranges::count(connections_, false, &connection::is_cut));
    // More than one too many are there when the limit was lowered.
    std::size_t surplus =
        alive + 1 > limits_.max_connections ? alive + 1 - limits_.max_connections : 0;
    // The first is longest without a complete request; those that are being answered only if all are.
    for (const bool served : {false, true}) {
        for (connection& one : connections_) {
            if (surplus != 0 && !one.is_cut && one.is_served() == served) {
                one.cut();
                --surplus;
            }
        }
    }
}

void http_server::set_deadline(connection& client, steady_time when) {
    client.deadline = when;
    if (when < next_sweep_) {
        next_sweep_ = when;
        sweep_timer_->wake_at(when);
    }
}

void http_server::on_sweep(void* self) {
    static_cast<http_server*>(self)->sweep();
}

void http_server::sweep() {
    const steady_time now = clock_.now();
    next_sweep_ = steady_time::max();
    for (connection& one : connections_) {
        if (one.deadline <= now) {
            one.deadline = steady_time::max();
            one.timed_out = true;
            one.stream.cancel();
        }
        next_sweep_ = std::min(next_sweep_, one.deadline);
    }
    if (next_sweep_ != steady_time::max()) {
        sweep_timer_->wake_at(next_sweep_);
    }
}

void http_server::finish() {
    finishing_ = true;
    for (const auto& one : listeners_) {
        error_code ignored;
        one->acceptor.close(ignored);
        one->pause.cancel();
    }
    for (connection& one : connections_) {
        if (!one.is_served()) {
            one.cut();
        }
    }
}

void http_server::cut() {
    finish();
    for (connection& one : connections_) {
        one.cut();
    }
    group_.close();
    group_.cancel(asio::cancellation_type::terminal);
}

task<> http_server::join() {
    co_await group_.join();
    sweep_timer_->cancel();
}

} // namespace kallglot
