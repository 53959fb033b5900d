/// The state of one connection of the HTTP server: stream, parser, phase and deadline.
///
/// More than 15 members: what the coroutine of a connection and the server, which ends it from outside, both look at.
/// Included by the two bodies of http_server only.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_CONNECTION_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_CONNECTION_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "net/server/body_memory.hpp"
#include "net/server/eviction.hpp"
#include "net/server/handshake_turns.hpp"
#include "net/server/http_server_parser.hpp"
#include "net/server/http_stream.hpp"
#include "net/sockets.hpp"
#include "net/tls/tls_engine.hpp"

#include <array>
#include <optional>
#include <utility>

namespace kallglot {

struct http_server::connection {
    enum class phase {
        queued,    ///< the next step of the TLS handshake waits for its turn
        waiting,   ///< for the first byte of a handshake or a request
        receiving, ///< a part of a request has arrived
        answering, ///< the gate or the handler works
        writing,   ///< the response is being sent
        closing    ///< the last response was sent; the rest of the client's bytes is dropped
    };

    connection(tcp_socket peer,
               const http_client_place& place,
               body_memory& bodies,
               const http_limits& limits,
               const tls_context* tls,
               const clock& time)
        : from(place),
          stream(std::move(peer), tls, time),
          parser(limits, place),
          body(bodies),
          write_time_left(limits.write_timeout) {}

    /// Closes the connection from outside; its coroutine ends at its next step.
    void cut() noexcept {
        is_cut = true;
        stream.close();
        leave_queue();
    }

    /// Ends the present operation at a deadline; its coroutine knows whether it may still answer (408).
    void time_out() noexcept {
        deadline = steady_time::max();
        timed_out = true;
        stream.cancel();
        leave_queue();
    }

    /// `stalled_since`: a write without progress since then is stalled.
    [[nodiscard]] open_connection as_choice(steady_time stalled_since) const noexcept {
        const bool does_not_read = now == phase::writing && stream.progressed_at() <= stalled_since;
        return {from.network, now == phase::answering, now == phase::queued || does_not_read};
    }

    [[nodiscard]] bool is_served() const noexcept {
        return now == phase::answering || now == phase::writing;
    }

    http_client_place from;
    http_stream stream;
    http_server_parser parser;
    body_memory::part body;
    phase now = phase::waiting;
    steady_time deadline = steady_time::max();
    bool timed_out = false;
    bool is_cut = false;
    std::uint32_t answered = 0;
    steady_duration write_time_left; ///< for the responses to all requests that were sent ahead
    bool is_admitted = false;        ///< the gate has admitted the request that is being read
    std::optional<http_response> refusal; ///< by the head, before the request was complete
    bool is_answered_early = false; ///< the route does not need the body, which is left unread
    handshake_turns::place* turn = nullptr; ///< its place in the queue of handshakes
    std::int64_t trusted_until = 0; ///< expiry of the client's certificate, Unix seconds; 0: never
    std::array<char, 4096> input{};

private:
    void leave_queue() noexcept {
        if (turn != nullptr) {
            turn->wake.cancel();
        }
    }
};

/// Removes a connection from the list when its coroutine's frame is destroyed, even if it never started.
class http_server::connection_entry {
public:
    connection_entry(connection_list& list, connection_list::iterator where) noexcept
        : list_(&list),
          where_(where) {}

    connection_entry(connection_entry&& other) noexcept
        : list_(std::exchange(other.list_, nullptr)),
          where_(other.where_) {}

    connection_entry& operator=(connection_entry&&) = delete;

    ~connection_entry() {
        if (list_ != nullptr) {
            list_->erase(where_);
        }
    }

    [[nodiscard]] connection_list::iterator where() const noexcept { return where_; }

private:
    connection_list* list_;
    connection_list::iterator where_;
};

struct http_server::listener {
    explicit listener(const loop_executor& executor) : acceptor(executor), pause(executor) {}

    tcp_acceptor acceptor;
    steady_timer pause;
    bool on_loopback = false; ///< bound to a loopback address
};

} // namespace kallglot

#endif
