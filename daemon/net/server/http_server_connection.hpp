/// One client of the HTTP server: its stream, what was read of its request, and until when it may take.
///
/// Private to http_server's two bodies.

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
        answering, ///< the handler works
        writing,   ///< the answer is on its way
        closing    ///< the last answer was given
    };

    connection(tcp_socket peer, const http_limits& limits, const tls_context* tls)
        : stream(std::move(peer), tls),
          parser(limits) {}

    /// Ends it from outside; its coroutine notices at its next step.
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
    bool is_admitted = false;             ///< the request that is being read, by the gate
    std::optional<http_response> refusal; ///< of the gate, before there was a whole request
    std::array<char, 4096> input{};
};

/// Keeps a connection in the list as long as its coroutine's frame lives, started or not.
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
