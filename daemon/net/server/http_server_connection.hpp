/// The state of one connection of the HTTP server: stream, parser, phase and deadline.
///
/// Included by the two bodies of http_server only.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_CONNECTION_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_CONNECTION_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "net/server/http_server_parser.hpp"
#include "net/server/http_stream.hpp"
#include "net/sockets.hpp"

#include <array>
#include <optional>
#include <utility>

namespace kallglot {

struct http_server::connection {
    enum class phase {
        waiting,   ///< for the first byte of a request
        receiving, ///< a part of a request has arrived
        answering, ///< the gate or the handler works
        writing,   ///< the response is being sent
        closing    ///< the last response was sent; the rest of the client's bytes is dropped
    };

    connection(tcp_socket peer, const http_limits& limits, const tls_context* tls)
        : stream(std::move(peer), tls),
          parser(limits) {}

    /// Closes the connection from outside; its coroutine ends at its next step.
    void cut() noexcept {
        is_cut = true;
        stream.close();
    }

    [[nodiscard]] bool is_served() const noexcept {
        return now == phase::answering || now == phase::writing;
    }

    http_stream stream;
    http_server_parser parser;
    phase now = phase::waiting;
    steady_time deadline = steady_time::max();
    bool timed_out = false;
    bool is_cut = false;
    std::uint32_t answered = 0;
    bool is_admitted = false;             ///< the gate has admitted the request that is being read
    std::optional<http_response> refusal; ///< of the gate, before the request was complete
    std::array<char, 4096> input{};
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
};

} // namespace kallglot

#endif
