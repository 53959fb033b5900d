#include "net/client/https_connection.hpp"

#include "net/client/proxy_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include <cassert>
#include <cstring>
#include <utility>

namespace kallglot {

namespace {

// The next address is tried after this time (RFC 8305).
constexpr milliseconds head_start{250};

// How often a connection may fill the shared buffer in one turn of the loop.
constexpr int max_reads_per_turn = 4;

constexpr std::string_view broke_off = "connection closed during the TLS handshake";

steady_time now() noexcept {
    return std::chrono::steady_clock::now();
}

} // namespace

https_connection::https_connection(loop_executor executor,
                                   connection_owner& owner,
                                   connection_scratch& scratch,
                                   const std::optional<tls_context>& tls,
                                   std::string tunnel,
                                   std::size_t body_limit_bytes)
    : owner_(owner),
      scratch_(scratch),
      connector_(executor, head_start),
      socket_(executor),
      engine_(tls ? std::make_unique<tls_engine>(*tls) : nullptr),
      tunnel_(std::move(tunnel)),
      since_(now()),
      body_limit_(body_limit_bytes) {}

// The life of a connection: open, then receive until it ends.
task<error_code> https_connection::run(std::vector<tcp_endpoint> addresses) {
    const error_code error = co_await open(std::move(addresses));
    if (error) {
        state_ = state::closed;
        co_return error;
    }
    // The owner may send a request from inside this call.
    guard([this] { owner_.on_open(*this); });
    while (!ended_) {
        // Readability is awaited instead of a read, so that an idle connection needs no buffer.
        drained_ = false;
        co_await socket_.async_wait(tcp_socket::wait_read, as_tuple);
        if (!ended_) {
            guard([this] { receive(); });
        }
    }
    // A request in flight has not been answered yet.
    if (state_ == state::busy) {
        guard([this] { fail_exchange(); });
    }
    close();
    co_return error_code();
}

// An exception ends this connection only. Its exchange is answered as for any other end.
template <class Step>
void https_connection::guard(Step step) noexcept {
    try {
        step();
    } catch (...) {
        bug_ = std::current_exception();
        end(errc::connection_closed);
    }
}

// Writes without waiting; false if the kernel does not take all of it.
bool https_connection::flush(std::string_view bytes) noexcept {
    // Most reads produce no output.
    if (bytes.empty()) {
        return true;
    }
    error_code error;
    const std::size_t size = socket_.write_some(asio::buffer(bytes), error);
    return !error && size == bytes.size();
}

void https_connection::send(const get_request& request, std::string_view text, steady_time now) {
    // The time of sending comes from the pool, which has read the clock for its own deadlines already.
    assert(idle());
    state_ = state::busy;
    since_ = now;
    sent_ = now;
    request_ = request;
    complete_ = false;
    // Written here and not by the coroutine, so that a request leaves in the same turn of the loop.
    bool written = false;
    if (engine_) {
        scratch_.output.clear();
        const tls_status status = engine_->write(text, scratch_.output);
        written = status == tls_status::done && flush(scratch_.output);
    } else {
        written = flush(text);
    }
    // The coroutine answers: a callback from inside get() could enter the caller a second time.
    if (!written) {
        end(exchanges_ != 0 ? errc::reused_connection_closed : errc::connection_reset);
    }
}

// Only sets the reason and wakes the coroutine, so that it is safe to call from every state and callback.
void https_connection::end(errc reason) noexcept {
    // Later reasons follow from the first: a cut connection also looks closed.
    if (!ended_) {
        ended_ = reason;
    }
    // Each of the two may be what the coroutine waits for.
    connector_.cancel();
    error_code ignored;
    socket_.cancel(ignored);
}

void https_connection::end_overdue() noexcept {
    // The phase is part of the error: operators handle a slow connect and a slow answer differently.
    switch (state_) {
        case state::connecting:
            end(errc::connect_timeout);
            break;
        case state::handshaking:
            end(errc::handshake_timeout);
            break;
        case state::busy:
            end(errc::request_timeout);
            break;
        case state::idle:
        case state::closed:
            end(errc::connection_closed);
            break;
    }
}

void https_connection::retire() noexcept {
    // A busy connection ends in finish_exchange().
    retiring_ = true;
    if (state_ != state::busy) {
        end(errc::cancelled);
    }
}

bool https_connection::ready() {
    // The loop may not have reported readable bytes yet.
    if (idle() && !drained_) {
        receive();
    }
    // An incomplete TLS record would continue as the answer to the next request.
    return idle() && !(engine_ && engine_->holds_input());
}

// Reads the socket until it is empty, and processes the bytes.
void https_connection::receive() {
    // Bounded, so that a peer that sends without end does not hold up the other connections.
    for (int reads = 0; reads < max_reads_per_turn; ++reads) {
        error_code error;
        const std::size_t size = socket_.read_some(asio::buffer(scratch_.input), error);
        if (error == asio::error::would_block) {
            drained_ = true;
            return;
        }
        if (error) {
            peer_left(error != asio::error::eof);
            return;
        }
        // A read that does not fill the buffer has emptied the socket, which saves a system call.
        drained_ = size < scratch_.input.size();
        // Plain HTTP takes the same path, without decryption.
        const std::span<char> input(scratch_.input.data(), size);
        if (engine_) {
            decrypt(input);
        } else {
            take_plaintext(input);
            if (complete_) {
                finish_exchange();
            }
        }
        if (ended_ || drained_) {
            return;
        }
    }
    // Messages that may arrive without a request (TLS tickets, alerts) are shorter than that.
    if (state_ == state::idle) {
        end(errc::unsolicited_data);
    }
}

// Passes received bytes through TLS, record by record.
void https_connection::decrypt(std::span<const char> input) {
    tls_status status = tls_status::done;
    while (status == tls_status::done && !ended_) {
        scratch_.output.clear();
        const tls_engine::read_result read =
            engine_->read(input, scratch_.plaintext, scratch_.output);
        status = read.status;
        // A read may produce output: the answer to a key update, or an alert.
        if (!flush(scratch_.output)) {
            end(errc::connection_reset);
        }
        if (status == tls_status::done) {
            take_plaintext(std::span(scratch_.plaintext).first(read.size));
        }
    }
    if (status == tls_status::failed) {
        detail_ = engine_->reason();
        end(errc::tls_failed);
    } else if (status == tls_status::closed) {
        peer_left(false);
    }
    // A complete response counts even if the connection ended behind it.
    if (complete_) {
        finish_exchange();
    }
}

// Feeds the bytes of a response to its reader, and wipes them.
void https_connection::take_plaintext(std::span<char> bytes) {
    // Without a request, bytes belong to none; the next answer on this connection could not be trusted.
    if (state_ != state::busy) {
        end(errc::unsolicited_data);
    } else {
        // The first bytes of a response.
        if (!reader_) {
            reader_ = scratch_.borrow_reader();
            reader_->start(request_->id, body_limit_);
        }
        switch (reader_->feed(bytes)) {
            case response_reader::progress::more:
                break;
            case response_reader::progress::complete:
                complete_ = true;
                break;
            case response_reader::progress::failed:
                complete_ = true;
                end(errc::malformed_response);
                break;
        }
    }
    // Responses contain live stream tokens and phone numbers.
    ::explicit_bzero(bytes.data(), bytes.size());
}

// The peer has closed or reset the connection.
void https_connection::peer_left(bool reset) noexcept {
    // A server may close an idle connection while a request is on its way. That request can be retried safely.
    const bool before_answer = state_ == state::busy && !reader_;
    if (before_answer && exchanges_ != 0) {
        end(errc::reused_connection_closed);
    } else {
        end(reset ? errc::connection_reset : errc::connection_closed);
    }
}

// A response is complete: delivers the answer.
void https_connection::finish_exchange() {
    std::unique_ptr<response_reader> reader = std::move(reader_);
    complete_ = false;
    ++exchanges_;
    // Decided before the owner is called, which must not send on a connection that is about to end.
    if (!reader->reusable() || retiring_) {
        end(errc::connection_closed);
    }
    idle_limit_ = reader->keep_alive_timeout();
    state_ = state::idle;
    since_ = now();

    api_answer& answer = reader->answer();
    answer.slot = request_->slot;
    answer.sent = sent_;
    answer.received = since_;
    owner_.on_exchanged(*this, answer);
    // After the call, because the answer is part of the reader.
    scratch_.give_back(std::move(reader));
}

// The connection has ended before the response was complete: delivers the error.
void https_connection::fail_exchange() {
    api_answer answer;
    if (reader_) {
        // Date and Retry-After are valid even if the body is incomplete.
        answer.headers = reader_->answer().headers;
        scratch_.give_back(std::move(reader_));
    }
    state_ = state::closed;
    answer.slot = request_->slot;
    answer.error = *ended_;
    answer.detail = detail_;
    answer.sent = sent_;
    answer.received = now();
    owner_.on_exchanged(*this, answer);
}

void https_connection::close() noexcept {
    state_ = state::closed;
    // close_notify, so that the server keeps the session resumable; sent if the kernel takes it at once.
    if (engine_) {
        scratch_.output.clear();
        engine_->close(scratch_.output);
        static_cast<void>(flush(scratch_.output));
    }
    error_code ignored;
    socket_.close(ignored);
}

// Opening -------------------------------------------------------------------------------------------------------------

// TCP, then the tunnel of a proxy, then TLS, each if it is configured.
task<error_code> https_connection::open(std::vector<tcp_endpoint> addresses) {
    const error_code refused = co_await connector_.connect(std::move(addresses));
    if (refused || ended_) {
        detail_ = describe_system_error(connector_.last_error());
        co_return ended_ ? error_code(*ended_) : refused;
    }
    // Behind a proxy TLS begins in the tunnel, so the tunnel comes first.
    socket_ = connector_.take();
    if (!tunnel_.empty()) {
        const error_code failed = co_await open_tunnel();
        if (failed) {
            co_return ended_ ? error_code(*ended_) : failed;
        }
    }
    if (engine_) {
        state_ = state::handshaking;
        const error_code failed = co_await shake_hands();
        if (failed) {
            // The resumed session may be the reason, and would be each time.
            if (failed == errc::tls_failed || failed == errc::handshake_timeout) {
                engine_->forget_session();
            }
            close();
            co_return ended_ ? error_code(*ended_) : failed;
        }
    }
    state_ = state::idle;
    since_ = now();
    co_return error_code();
}

// RFC 9110 section 9.3.6. The proxy learns host and port; TLS protects the rest.
task<error_code> https_connection::open_tunnel() {
    backlog_ = "CONNECT " + tunnel_ + " HTTP/1.1\r\nHost: " + tunnel_ + "\r\n\r\n";
    // Written like the handshake: the kernel may take only a part.
    const error_code unsent = co_await write_all();
    backlog_.clear();
    if (unsent) {
        detail_ = "the proxy closed the connection";
        co_return errc::proxy_refused;
    }
    // The response has a few hundred bytes; read_proxy_answer() bounds it.
    std::string head;
    while (!ended_) {
        co_await socket_.async_wait(tcp_socket::wait_read, as_tuple);
        if (ended_) {
            break;
        }
        error_code error;
        const std::size_t size = socket_.read_some(asio::buffer(scratch_.input), error);
        if (error == asio::error::would_block) {
            continue;
        }
        if (error) {
            detail_ = "the proxy closed the connection";
            co_return errc::proxy_refused;
        }
        // The response may arrive in pieces, so each piece is added and all of it is read again.
        head.append(scratch_.input.data(), size);
        const proxy_answer answer = read_proxy_answer(head);
        if (answer.state == proxy_answer::state_type::refused) {
            detail_ = answer.detail;
            co_return errc::proxy_refused;
        }
        if (answer.state == proxy_answer::state_type::open) {
            co_return error_code();
        }
    }
    co_return *ended_;
}

// The TLS handshake: alternates between the engine's output and the peer's input until the engine is done.
task<error_code> https_connection::shake_hands() {
    std::span<const char> input;
    for (;;) {
        scratch_.output.clear();
        const tls_status status = engine_->handshake(input, scratch_.output);
        // Copied, because other connections use the shared buffer during the next await.
        backlog_ = scratch_.output;
        if (status == tls_status::done) {
            // The peer's last flight may carry data behind it (TLS 1.3 tickets); it is decrypted before the next read.
            state_ = state::idle;
            if (!flush(std::exchange(backlog_, std::string()))) {
                co_return errc::connection_reset;
            }
            decrypt(input);
            co_return ended_ ? error_code(*ended_) : error_code();
        }
        if (!backlog_.empty()) {
            const error_code failed = co_await write_all();
            // If the handshake failed, its own reason says more than a failed write of the alert.
            if (failed && status != tls_status::failed) {
                detail_ = broke_off;
                co_return ended_ ? error_code(*ended_) : error_code(errc::tls_failed);
            }
        }
        if (status != tls_status::want_input) {
            detail_ = engine_->reason();
            co_return engine_->error() ? engine_->error() : error_code(errc::tls_failed);
        }
        // write_all() may have been ended by the pool's sweep.
        if (!ended_) {
            co_await socket_.async_wait(tcp_socket::wait_read, as_tuple);
        }
        if (ended_) {
            co_return *ended_;
        }
        error_code error;
        const std::size_t size = socket_.read_some(asio::buffer(scratch_.input), error);
        if (error && error != asio::error::would_block) {
            detail_ = broke_off;
            co_return errc::tls_failed;
        }
        // Valid until the next await; the engine consumes all of it in the next round.
        input = std::span<const char>(scratch_.input.data(), size);
    }
}

// Writes the backlog, and waits for the kernel if necessary. Used before the connection is open.
task<error_code> https_connection::write_all() {
    // Usually the kernel takes all of it, and no turn of the loop is needed.
    error_code error;
    const std::size_t size = socket_.write_some(asio::buffer(backlog_), error);
    if (!error && size == backlog_.size()) {
        co_return error_code();
    }
    if (error && error != asio::error::would_block) {
        co_return error;
    }
    const asio::const_buffer rest = asio::buffer(backlog_) + (error ? 0 : size);
    const auto written = co_await asio::async_write(socket_, rest, as_tuple);
    co_return std::get<0>(written);
}

} // namespace kallglot
