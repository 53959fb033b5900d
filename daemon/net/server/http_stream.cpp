#include "net/server/http_stream.hpp"

#include "kallglot/async/deadline.hpp"
#include "net/tls/tls_engine.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace kallglot {

namespace {
// A large response is encrypted in pieces, so that memory does not hold it twice.
constexpr std::size_t max_encrypted_bytes = std::size_t{64} * 1024;

// By default Asio passes at most 64 KiB to the system in one call. A usual scrape is larger, and each call costs time.
constexpr std::size_t max_written_at_once = std::size_t{1024} * 1024;
} // namespace

// Only TLS connections pay for this memory.
struct http_stream::tls_part {
    explicit tls_part(const tls_context& context) : engine(context) {}

    tls_engine engine;
    std::string output; ///< empty unless it is being sent
    std::span<const char> unread;
    std::array<char, 4096> input{};
};

http_stream::http_stream(tcp_socket peer, const tls_context* tls, const clock& time)
    : socket_(std::move(peer)),
      clock_(time),
      tls_(tls != nullptr ? std::make_unique<tls_part>(*tls) : nullptr) {}

http_stream::~http_stream() = default;

bool http_stream::is_handshaking() const noexcept {
    return tls_ && !tls_->engine.established();
}

task<result<std::string_view>> http_stream::read_handshake() {
    const asio::mutable_buffer input = asio::buffer(tls_->input);
    const result<std::size_t> size = co_await read_raw(input);
    if (!size) {
        co_return size.error();
    }
    tls_->unread = std::span<const char>(tls_->input.data(), *size);
    co_return std::string_view(tls_->input.data(), *size);
}

// Bytes behind the last message of the handshake stay for the first read.
tls_status http_stream::take_handshake_step() {
    return tls_->engine.handshake(tls_->unread, tls_->output);
}

std::string_view http_stream::failure() const noexcept {
    return tls_->engine.reason();
}

std::int64_t http_stream::peer_trusted_until() const noexcept {
    return tls_ ? tls_->engine.peer_trusted_until() : 0;
}

void http_stream::leave_tls() noexcept {
    tls_.reset();
}

task<result<std::size_t>> http_stream::read_some(asio::mutable_buffer into) {
    if (tls_) {
        const result<std::size_t> size = co_await read_decrypted(into);
        co_return size;
    }
    const result<std::size_t> size = co_await read_raw(into);
    co_return size;
}

// Reads from the socket.
task<result<std::size_t>> http_stream::read_raw(asio::mutable_buffer into) {
    if (cancelled_) {
        co_return error_code(asio::error::operation_aborted);
    }
    const std::tuple<error_code, std::size_t> outcome =
        co_await socket_.async_read_some(into, as_tuple);
    const auto& [error, size] = outcome;
    if (error) {
        co_return error;
    }
    co_return size;
}

// Reads and decrypts until there is plaintext.
task<result<std::size_t>> http_stream::read_decrypted(asio::mutable_buffer into) {
    const std::span<char> plaintext(static_cast<char*>(into.data()), into.size());
    // A record may arrive in several pieces, and some records have no data.
    for (;;) {
        const tls_engine::read_result read =
            tls_->engine.read(tls_->unread, plaintext, tls_->output);
        // Sent before the status is looked at, because a failure has an alert to send.
        const error_code unsent = co_await send_output();
        if (read.status == tls_status::failed) {
            co_return tls_->engine.error();
        }
        if (unsent) {
            co_return unsent;
        }
        // A close_notify: the end is genuine, and no attacker has cut the stream.
        if (read.status == tls_status::closed) {
            co_return error_code(asio::error::eof);
        }
        if (read.status == tls_status::done) {
            co_return read.size;
        }
        const asio::mutable_buffer input = asio::buffer(tls_->input);
        const result<std::size_t> size = co_await read_raw(input);
        if (!size) {
            co_return size.error();
        }
        // Read by the next round, or by the next call if a record is complete before.
        tls_->unread = std::span<const char>(tls_->input.data(), *size);
    }
}

task<error_code> http_stream::write(asio::const_buffer head, asio::const_buffer body) {
    if (tls_) {
        const error_code error = co_await write_encrypted(head, body);
        co_return error;
    }
    const error_code error = co_await write_raw(head, body);
    co_return error;
}

// Writes to the socket until everything is sent.
task<error_code> http_stream::write_raw(asio::const_buffer head, asio::const_buffer body) {
    if (cancelled_) {
        co_return error_code(asio::error::operation_aborted);
    }
    const std::array<asio::const_buffer, 2> both = {head, body};
    // Asio asks before the first bytes, and each time the kernel has taken some.
    const auto next_size = [this](const error_code& error, std::size_t) {
        // The server closes the clients first that make no progress.
        progressed_at_ = clock_.now();
        return error ? 0 : max_written_at_once;
    };
    const std::tuple<error_code, std::size_t> outcome =
        co_await asio::async_write(socket_, both, next_size, as_tuple);
    co_return std::get<0>(outcome);
}

// Encrypts and writes piece by piece.
task<error_code> http_stream::write_encrypted(asio::const_buffer head, asio::const_buffer body) {
    // Without a handshake there are no keys, so the client could not read a response (a 408).
    if (!tls_->engine.established()) {
        co_return error_code(asio::error::not_connected);
    }
    const std::array<asio::const_buffer, 2> both = {head, body};
    for (const asio::const_buffer& part : both) {
        // Encrypted output collects until a piece is full, and is then sent.
        std::string_view rest(static_cast<const char*>(part.data()), part.size());
        while (!rest.empty()) {
            const std::string_view piece = rest.substr(0, max_encrypted_bytes);
            rest.remove_prefix(piece.size());
            if (tls_->engine.write(piece, tls_->output) != tls_status::done) {
                co_return tls_->engine.error();
            }
            // Head and a short body leave in one write.
            if (tls_->output.size() < max_encrypted_bytes) {
                continue;
            }
            const error_code error = co_await send_output();
            if (error) {
                co_return error;
            }
        }
    }
    const error_code error = co_await send_output();
    co_return error;
}

// Sends the engine's output, if there is any.
task<error_code> http_stream::send_output() {
    if (tls_->output.empty()) {
        co_return error_code();
    }
    // Moved to a local, so that an idle connection has no buffer.
    const std::string output = std::exchange(tls_->output, {});
    const asio::const_buffer bytes = asio::buffer(output);
    const error_code error = co_await write_raw(bytes, asio::const_buffer());
    co_return error;
}

// Ends TLS properly, so that the client can tell the end of the stream from an attack that cuts it.
void http_stream::send_close_notify() noexcept {
    if (!tls_ || !socket_.is_open()) {
        return;
    }
    // Sent only if the kernel takes it at once: a client that does not read must not delay the close.
    std::string message;
    tls_->engine.close(message);
    error_code ignored;
    // Asio may have set it before, but a connection that was only accepted is blocking.
    socket_.non_blocking(true, ignored);
    socket_.write_some(asio::buffer(message), ignored);
}

// Called by the sweep, outside the task that uses the stream.
void http_stream::cancel() noexcept {
    // The flag stops an operation that is between two steps, where the socket has nothing to cancel.
    cancelled_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

void http_stream::shut_down_send() noexcept {
    send_close_notify();
    error_code ignored;
    socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

// Aborts an operation in flight; its coroutine sees the error.
void http_stream::close() noexcept {
    send_close_notify();
    error_code ignored;
    socket_.close(ignored);
}

} // namespace kallglot
