/// One client of the HTTP server: its stream, what was read of its request, and until when it may take.
///
/// Private to http_server's two bodies.

#ifndef KALLGLOT_NET_HTTP_SERVER_CONNECTION_HPP
#define KALLGLOT_NET_HTTP_SERVER_CONNECTION_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/core/time.hpp"
#include "kallglot/net/http_server.hpp"
#include "kallglot/net/http_server_parser.hpp"
#include "kallglot/net/sockets.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <tuple>
#include <utility>

namespace kallglot {

/// Bytes to and from a client. Plain TCP; a stream over tls_engine has the same five functions.
class http_stream {
public:
    explicit http_stream(tcp_socket peer) : socket_(std::move(peer)) {}

    /// Errors: of the socket; asio::error::eof at the client's end of stream.
    [[nodiscard]] task<result<std::size_t>> read_some(asio::mutable_buffer into) {
        const std::tuple<error_code, std::size_t> outcome =
            co_await socket_.async_read_some(into, as_tuple);
        const auto& [error, size] = outcome;
        if (error) {
            co_return error;
        }
        co_return size;
    }

    /// Writes both, one behind the other. Lifetime: what they show outlives the call.
    [[nodiscard]] task<error_code> write(asio::const_buffer head, asio::const_buffer body) {
        const std::array<asio::const_buffer, 2> both = {head, body};
        const std::tuple<error_code, std::size_t> outcome =
            co_await asio::async_write(socket_, both, as_tuple);
        co_return std::get<0>(outcome);
    }

    /// The operation under way ends with operation_aborted.
    void cancel() noexcept {
        error_code ignored;
        socket_.cancel(ignored);
    }

    /// Tells the client that nothing follows; reading goes on.
    void end_of_answers() noexcept {
        error_code ignored;
        socket_.shutdown(tcp_socket::shutdown_send, ignored);
    }

    void close() noexcept {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    tcp_socket socket_;
};

struct http_server::connection {
    enum class phase {
        waiting,   ///< for the first byte of a request
        receiving, ///< a part of a request has arrived
        answering, ///< the handler works
        writing,   ///< the answer is on its way
        closing    ///< the last answer was given
    };

    connection(tcp_socket peer, const http_limits& limits)
        : stream(std::move(peer)),
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
