#include "net/client/http2_connection.hpp"

#include "kallglot/async/deadline.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cassert>
#include <cstring>
#include <utility>

namespace kallglot {

namespace {

// How often a connection may fill the shared buffer in one turn of the loop.
constexpr int max_reads_per_turn = 4;

// The kernel then ends a connection whose peer acknowledges nothing. Without it, that takes 15 minutes.
void limit_silence(tcp_socket& socket, milliseconds limit) noexcept {
    const auto value = static_cast<unsigned>(limit.count());
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value);
}

} // namespace

http2_connection::http2_connection(api_channel channel,
                                   pooled_connection& owner,
                                   exchange_listener& listener,
                                   connection_scratch& scratch,
                                   const options& with)
    : owner_(owner),
      listener_(listener),
      scratch_(scratch),
      channel_(std::move(channel)),
      session_(listener, scratch.answers, with.limits),
      retire_at_(with.retire_at) {
    assert(channel_.tls != nullptr);
    limit_silence(channel_.socket, with.send_timeout);
}

task<error_code> http2_connection::prepare() {
    guard([this] { feed(channel_.early); });
    guard([this] { flush(); });
    // The pool's sweep bounds the wait.
    while (!session_.settled() && !ended_) {
        co_await wait();
        guard([this] { take_turn(); });
    }
    // A server may say goodbye together with its greeting.
    if (session_.draining()) {
        end(errc::connection_closed);
    }
    had_room_ = room() > 0;
    if (ended_) {
        channel_.close(scratch_.output);
        co_return *ended_;
    }
    co_return error_code();
}

task<> http2_connection::run() {
    while (!ended_) {
        // Requests may have come before the first wait.
        if (!woken_) {
            co_await wait();
        }
        guard([this] { take_turn(); });
    }
    guard([this] { conclude(); });
    channel_.close(scratch_.output);
}

// Until bytes can be read, or sent if some are left, or until wake().
task<> http2_connection::wait() {
    if (unsent_.empty()) {
        const auto waited = co_await channel_.socket.async_wait(tcp_socket::wait_read, as_tuple);
        readable_ = !std::get<0>(waited);
        co_return;
    }
    // A server that cannot send may stop reading, so both directions are waited for.
    auto either = asio::experimental::make_parallel_group(
        channel_.socket.async_wait(tcp_socket::wait_read, asio::deferred),
        channel_.socket.async_wait(tcp_socket::wait_write, asio::deferred));
    co_await either.async_wait(asio::experimental::wait_for_one(), as_tuple);
    readable_ = true;
}

// An exception ends this connection only. Its exchanges are answered as for any other end.
template <class Step>
void http2_connection::guard(Step step) noexcept {
    try {
        step();
    } catch (...) {
        bug_ = std::current_exception();
        end(errc::connection_closed);
    }
}

// Makes the coroutine send what is to be sent, in a later turn of the loop.
void http2_connection::wake() noexcept {
    if (!woken_ && !in_turn_) {
        woken_ = true;
        error_code ignored;
        channel_.socket.cancel(ignored);
    }
}

// Everything that one turn of the loop has for this connection: bytes, answers, the requests that follow from them.
void http2_connection::take_turn() {
    woken_ = false;
    if (ended_) {
        return;
    }
    in_turn_ = true;

    struct turn_end {
        bool& flag;

        ~turn_end() { flag = false; }
    } const leave{in_turn_};

    if (std::exchange(readable_, false)) {
        receive();
    }
    // First, so that the pool knows what became of this connection when it resends requests.
    report_notices();
    session_.deliver(timer_now());
    flush();
    report_changes();
    // Requests that waited for room.
    flush();
    if (send_failed_ && !ended_) {
        receive_rest();
    }
}

std::size_t http2_connection::room() const noexcept {
    return ending() || !unsent_.empty() ? 0 : session_.room(timer_now());
}

bool http2_connection::ending() const noexcept {
    return ended_ || retiring_ || send_failed_ || session_.draining();
}

bool http2_connection::ready() {
    return !ending() && timer_now() < retire_at_;
}

void http2_connection::send(exchange_ref next, request_text& text, bool hold) {
    assert(room() > 0);
    session_.open(next, text);
    had_room_ = room() > 0;
    if (!hold) {
        wake();
    }
}

// Written here and not by the coroutine, which would need a further turn of the loop and two system calls for it.
void http2_connection::send_held() noexcept {
    if (ended_ || (session_.output().empty() && !session_.has_reports())) {
        return;
    }
    guard([this] { flush(); });
    // The rest is the coroutine's: to wait until the socket takes more, to report failures, and room that came back.
    if (send_failed_ || !unsent_.empty() || session_.has_reports() || had_room_ != (room() > 0)) {
        wake();
    }
}

void http2_connection::give_up(exchange_ref overdue) noexcept {
    // Nothing was read for as long as a request may take: the connection is dead, whatever TCP says.
    if (last_read_ < overdue->sent) {
        end(errc::request_timeout);
        return;
    }
    guard([&] {
        session_.cancel(overdue, timer_now());
        if (session_.crowded(timer_now())) {
            retire();
        }
    });
    wake();
}

steady_time http2_connection::check_life(steady_time now) noexcept {
    if (!ended_) {
        guard([&] {
            const std::size_t before = session_.output().size();
            if (!session_.is_alive(now)) {
                end(errc::request_timeout);
            } else if (session_.output().size() > before) {
                wake();
            }
        });
    }
    return ended_ ? steady_time::max() : session_.next_check(now);
}

// Only sets the reason and wakes the coroutine, so that it is safe to call from every state and callback.
void http2_connection::end(errc reason) noexcept {
    // Later reasons follow from the first: a cut connection also looks closed.
    if (!ended_) {
        ended_ = reason;
    }
    error_code ignored;
    channel_.socket.cancel(ignored);
}

void http2_connection::retire() noexcept {
    // With exchanges in flight it ends in report_changes().
    retiring_ = true;
    session_.drain();
    if (session_.empty()) {
        end(errc::cancelled);
    }
}

// Reads the socket until it is empty, and processes the bytes.
void http2_connection::receive() {
    // Bounded, so that a peer that sends without end does not hold up the other connections. A read that does not fill
    // the buffer has emptied the socket, which saves a system call.
    int reads = 0;
    while (!ended_ && reads++ < max_reads_per_turn && receive_some() == scratch_.input.size()) {
    }
}

// The server has closed the connection. What it sent before that is still to be read: answers, and perhaps a GOAWAY that
// says which requests it has not processed.
void http2_connection::receive_rest() {
    // The kernel may return less than there is.
    while (!ended_ && receive_some() > 0) {
    }
    report_notices();
    session_.deliver(timer_now());
    end(errc::connection_reset);
    report_changes();
}

// Reads once, and processes the bytes. The result is their number.
std::size_t http2_connection::receive_some() {
    error_code error;
    const std::size_t size = channel_.socket.read_some(asio::buffer(scratch_.input), error);
    if (error == asio::error::would_block) {
        return 0;
    }
    if (error) {
        const bool orderly = error == asio::error::eof;
        end(orderly ? errc::connection_closed : errc::connection_reset);
        return 0;
    }
    last_read_ = timer_now();
    decrypt(std::span<const char>(scratch_.input.data(), size));
    return size;
}

// Passes received bytes through TLS, record by record.
void http2_connection::decrypt(std::span<const char> input) {
    tls_status status = tls_status::done;
    while (status == tls_status::done && !ended_) {
        scratch_.output.clear();
        const tls_engine::read_result read =
            channel_.tls->read(input, scratch_.plaintext, scratch_.output);
        status = read.status;
        // A read may produce output: the answer to a key update, or an alert.
        put(scratch_.output);
        if (status == tls_status::done) {
            feed(std::span(scratch_.plaintext).first(read.size));
        }
    }
    if (status == tls_status::failed) {
        end(errc::tls_failed);
    } else if (status == tls_status::closed) {
        end(errc::connection_closed);
    }
}

// Feeds decrypted bytes to the session, and wipes them: responses contain live stream tokens and phone numbers.
void http2_connection::feed(std::span<char> plaintext) {
    struct wipe {
        std::span<char> bytes;

        ~wipe() { ::explicit_bzero(bytes.data(), bytes.size()); }
    } const after{plaintext};

    if (!session_.receive(plaintext, timer_now())) {
        end(session_.fault().value_or(errc::connection_closed));
    }
}

// Encrypts what the session has to send, and sends it. Also after the end: the peer learns the reason.
void http2_connection::flush() {
    if (!unsent_.empty()) {
        put(std::exchange(unsent_, {}));
    }
    std::string& output = session_.output();
    // More would only wait here, and could not be taken back.
    if (output.empty() || !unsent_.empty()) {
        return;
    }
    scratch_.output.clear();
    const tls_status status = channel_.tls->write(output, scratch_.output);
    // The requests contain the key.
    ::explicit_bzero(output.data(), output.size());
    output.clear();
    if (status != tls_status::done) {
        end(errc::tls_failed);
        return;
    }
    put(scratch_.output);
}

// Writes encrypted bytes, or keeps them in their order.
void http2_connection::put(std::string_view bytes) {
    if (bytes.empty() || send_failed_) {
        return;
    }
    std::size_t size = 0;
    if (unsent_.empty()) {
        error_code error;
        size = channel_.socket.write_some(asio::buffer(bytes), error);
        if (error && error != asio::error::would_block) {
            send_failed_ = true;
            return;
        }
    }
    // A first send buffer has 16 KiB, less than a hundred requests with a long key, so this is ordinary.
    unsent_.append(bytes.substr(size));
}

void http2_connection::report_notices() {
    for (const http2_notice& notice : session_.take_notices()) {
        listener_.on_notice(owner_, notice);
    }
}

// Reports to the pool what an answer does not: room that came or went.
void http2_connection::report_changes() {
    const bool has_room = room() > 0;
    if (ending() || has_room != had_room_) {
        had_room_ = has_room;
        listener_.on_changed(owner_);
    }
    // The last exchange is over.
    if (ending() && session_.empty()) {
        end(retiring_ ? errc::cancelled : errc::connection_closed);
    }
}

// The connection has ended: answers what is left, and says goodbye if the server still listens.
void http2_connection::conclude() {
    session_.abandon(*ended_);
    session_.deliver(timer_now());
    if (unsent_.empty()) {
        session_.say_goodbye();
        flush();
    }
}

} // namespace kallglot
