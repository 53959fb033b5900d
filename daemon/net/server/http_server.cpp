// Listening, accepting, making room, deadlines and stopping. The exchange on a connection is in
// http_server_connection.cpp.

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

// Pause after a failed accept: it saves CPU while descriptors are short, and is shorter than a scrape's timeout.
constexpr milliseconds accept_pause(100);
// Connections accepted in one turn of the loop. In each turn all clients may be answered; with one accept a turn, the
// last of a hundred new clients would wait for a hundred turns.
constexpr int max_accepts_per_turn = 16;
// A client that takes no byte of its response for so long is closed before others.
constexpr seconds stalled_after(1);

// The addresses to try for one configured address; only the first that the machine supports is used.
[[nodiscard]] result<std::vector<tcp_endpoint>> resolve_listen(loop_executor executor,
                                                               const listen_address& address) {
    // All addresses: IPv6 first, since such a socket can serve both families.
    if (address.host.empty()) {
        return std::vector<tcp_endpoint>{tcp_endpoint(tcp::v6(), address.port),
                                         tcp_endpoint(tcp::v4(), address.port)};
    }
    error_code error;
    const asio::ip::address literal = asio::ip::make_address(address.host, error);
    if (!error) {
        return std::vector<tcp_endpoint>{tcp_endpoint(literal, address.port)};
    }
    // Blocking, at start only; the loop does not run yet.
    asio::ip::basic_resolver<tcp, loop_executor> resolver(executor);
    const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
    if (error || found.empty()) {
        return make_error_code(errc::name_not_resolved);
    }
    // The first address only: a name with several would make it unclear where the daemon listens.
    return std::vector<tcp_endpoint>{found.begin()->endpoint()};
}

// Opens a listening socket. After an error the acceptor is closed again.
[[nodiscard]] error_code open(tcp_acceptor& acceptor,
                              const tcp_endpoint& where,
                              bool both_families) {
    error_code error;
    acceptor.open(where.protocol(), error);
    if (error) {
        return error;
    }
    // A restart must not wait for connections of the old process in TIME_WAIT.
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (both_families && where.protocol() == tcp::v6()) {
        // The default depends on net.ipv6.bindv6only, so it is set explicitly.
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

// `127.0.0.1:10455` or `[::1]:10455`.
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
      sweep_timer_(make_timer<&http_server::sweep>(time, *this)),
      group_(executor_,
             [this](const std::string& task_name, const std::string& what) {
                 log_.error("internal error: connection ended",
                            {{"task", task_name}, {"error", what}});
             }),
      turns_(time),
      // The standard phrase: nothing of the request, so that nothing can be injected.
      error_page_([](int status, std::string_view) {
          return make_text_response(status, reason_phrase(status));
      }) {}

// Tasks of connections refer to this object.
http_server::~http_server() {
    assert(connections_.empty() && "finish() or cut() and join() come first");
}

error_code http_server::listen(const listen_address& address) {
    const result<std::vector<tcp_endpoint>> candidates = resolve_listen(executor_, address);
    if (!candidates) {
        return candidates.error();
    }
    // For all addresses: one socket for both families, or IPv4 alone on a machine without IPv6.
    error_code error;
    auto fresh = std::make_unique<listener>(executor_);
    // Any other error is final: the other family would not cure it.
    for (const tcp_endpoint& where : *candidates) {
        error = open(fresh->acceptor, where, address.host.empty());
        // A kernel without IPv6, or with IPv6 but without an address.
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

// Socket activation: systemd has bound the socket, so the daemon needs no right to do so.
error_code http_server::adopt(int descriptor) {
    // A wrong socket unit is an error of the configuration, so the descriptor is checked before it is used.
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
    // Asio does not detect the family of a socket.
    fresh->acceptor.assign(where.ss_family == AF_INET ? tcp::v4() : tcp::v6(), descriptor, error);
    if (!error) {
        fresh->acceptor.non_blocking(true, error);
    }
    if (!error) {
        begin(std::move(fresh));
    }
    return error;
}

// Starts the task that accepts on a listener.
void http_server::begin(std::unique_ptr<listener> fresh) {
    // The task refers to the listener, which stays in the list until the server is destroyed.
    listener* const from = fresh.get();
    error_code error;
    from->on_loopback = from->acceptor.local_endpoint(error).address().is_loopback();
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
    // Tests listen on port 0 and need the real one.
    return listeners_.empty() ? std::uint16_t{0}
                              : listeners_.front()->acceptor.local_endpoint(error).port();
}

std::size_t http_server::connections() const noexcept {
    return connections_.size();
}

// The task of one listener.
task<> http_server::accept(listener* from) {
    // Cancellation shows as an error of the accept; the loop then sees `finishing_`.
    co_await asio::this_coro::throw_if_cancelled(false);
    bool logged = false;
    while (!finishing_) {
        tcp_socket peer(executor_);
        tcp_endpoint where;
        const std::tuple<error_code> outcome =
            co_await from->acceptor.async_accept(peer, where, as_tuple);
        const error_code error = std::get<0>(outcome);
        if (finishing_) {
            break;
        }
        if (error) {
            // Logged once until an accept succeeds: a lack of descriptors may last long.
            if (!std::exchange(logged, true)) {
                log_.warn("cannot accept connections: retrying",
                          {{"listener", name_}, {"error", error.message()}});
            }
            // Without a pause the loop would spin: the client that could not be accepted still waits.
            from->pause.expires_after(accept_pause);
            co_await from->pause.async_wait(as_tuple);
            continue;
        }
        logged = false;
        admit(std::move(peer), {network_of(where.address()), from->on_loopback});
        admit_waiting(*from);
    }
}

// Accepts further clients that wait already, without another turn of the loop for each.
void http_server::admit_waiting(listener& from) {
    for (int admitted = 1; admitted < max_accepts_per_turn; ++admitted) {
        tcp_socket peer(executor_);
        tcp_endpoint where;
        error_code error;
        from.acceptor.accept(peer, where, error);
        if (error) {
            return; // no client waits, or the next async_accept reports the error
        }
        admit(std::move(peer), {network_of(where.address()), from.on_loopback});
    }
}

// Adds a connection and starts its task.
void http_server::admit(tcp_socket peer, const http_client_place& from) {
    // A response is written at once, so waiting to fill a packet would only delay it.
    error_code ignored;
    peer.set_option(tcp::no_delay(true), ignored);
    make_room(from.network);
    const auto where = connections_.emplace(connections_.end(),
                                            std::move(peer),
                                            from,
                                            bodies_,
                                            limits_,
                                            tls_ ? &*tls_ : nullptr,
                                            clock_);
    where->parser.use_prefix(prefix_);
    // The timeout of the first request starts here, so that a client that sends nothing is closed as well.
    set_deadline(*where, clock_.now() + limits_.request_timeout);
    group_.spawn(name_ + " connection", serve(connection_entry(connections_, where)));
}

// Closes connections until one more, of this network, is within the limit.
void http_server::make_room(const peer_network& newcomer) {
    // Closed connections stay in the list until their coroutines end.
    const auto alive = std::ranges::count(connections_, false, &connection::is_cut);
    const std::size_t limit = connection_limit();
    if (static_cast<std::size_t>(alive) < limit) {
        return;
    }
    const steady_time now = clock_.now();
    std::vector<connection*> clients;
    std::vector<open_connection> choices;
    for (connection& one : connections_) {
        if (!one.is_cut) {
            clients.push_back(&one);
            choices.push_back(one.as_choice(now - stalled_after));
        }
    }
    // Several must be closed if a reload or a lack of memory has lowered the limit.
    while (clients.size() >= limit) {
        const std::size_t victim = choose_for_eviction(choices, newcomer);
        clients[victim]->cut();
        clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(victim));
        choices.erase(choices.begin() + static_cast<std::ptrdiff_t>(victim));
    }
}

// While memory is short a quarter of the connections is enough for scrapes and deliveries.
std::size_t http_server::connection_limit() const noexcept {
    const std::size_t usual = limits_.max_connections;
    return std::max(bodies_.is_short() ? usual / 4 : usual, std::size_t{1});
}

// Sets the deadline of a connection and makes sure that a sweep happens then.
void http_server::set_deadline(connection& client, steady_time when) {
    // A later deadline needs no timer: the sweep that is planned already finds the next one.
    client.deadline = when;
    if (when < next_sweep_) {
        next_sweep_ = when;
        sweep_timer_->wake_at(when);
    }
}

// Cancels the connections whose deadline has passed, and plans the next sweep.
void http_server::sweep() {
    const steady_time now = clock_.now();
    // Found again from the remaining deadlines.
    next_sweep_ = steady_time::max();
    for (connection& one : connections_) {
        if (one.deadline <= now) {
            one.time_out();
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
    // A request that is complete is still answered, with `Connection: close`.
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
    // Handlers wait for other things than the socket, so they are cancelled too.
    group_.close();
    group_.cancel(asio::cancellation_type::terminal);
}

task<> http_server::join() {
    // The connections end by themselves, after finish() or cut().
    co_await group_.join();
    sweep_timer_->cancel();
}

} // namespace kallglot
