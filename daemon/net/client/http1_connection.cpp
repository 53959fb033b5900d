#include "net/client/http1_connection.hpp"

#include "kallglot/async/deadline.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cassert>
#include <cstring>
#include <utility>

namespace kallglot {

namespace {

// How often a connection may fill the shared buffer in one turn of the loop.
constexpr int max_reads_per_turn = 4;

} // namespace

http1_connection::http1_connection(api_channel channel,
                                   exchange_listener& listener,
                                   connection_scratch& scratch,
                                   std::size_t body_limit_bytes)
    : listener_(listener),
      scratch_(scratch),
      channel_(std::move(channel)),
      body_limit_(body_limit_bytes) {}

// HTTP/1.1 begins with the first request.
task<error_code> http1_connection::prepare() {
    co_return error_code();
}

task<> http1_connection::run() {
    while (!ended_) {
        // Readability is awaited instead of a read, so that an idle connection needs no buffer.
        drained_ = false;
        // Its error needs no look: a socket in error is readable, and the read in receive() returns the reason.
        co_await channel_.socket.async_wait(tcp_socket::wait_read, as_tuple);
        if (!ended_) {
            guard([this] { receive(); });
        }
    }
    // A request in flight has not been answered yet.
    if (state_ == state::busy) {
        guard([this] { fail_exchange(); });
    }
    state_ = state::closed;
    channel_.close(scratch_.output);
}

// An exception ends this connection only. Its exchange is answered as for any other end.
template <class Step>
void http1_connection::guard(Step step) noexcept {
    try {
        step();
    } catch (...) {
        bug_ = std::current_exception();
        end(errc::connection_closed);
    }
}

void http1_connection::send(exchange_ref next, request_text& text, bool /*hold*/) {
    // HTTP/1.1 without pipelining: one request at a time, so that an answer can only belong to it.
    assert(idle());
    state_ = state::busy;
    exchange_ = next;
    complete_ = false;
    const std::string_view bytes = text.render(next->request.id);
    // Written here and not by the coroutine, so that a request leaves in the same turn of the loop.
    bool written = false;
    if (channel_.tls) {
        scratch_.output.clear();
        const tls_status status = channel_.tls->write(bytes, scratch_.output);
        written = status == tls_status::done && channel_.flush(scratch_.output);
    } else {
        written = channel_.flush(bytes);
    }
    // The coroutine answers: a callback from inside get() could enter the caller a second time.
    if (!written) {
        // On a used connection the server may have closed it while idle, which is no fault: the poller sends the
        // request again.
        end(exchanges_ != 0 ? errc::reused_connection_closed : errc::connection_reset);
    }
}

// Only sets the reason and wakes the coroutine, so that it is safe to call from every state and callback.
void http1_connection::end(errc reason) noexcept {
    // Later reasons follow from the first: a cut connection also looks closed.
    if (!ended_) {
        ended_ = reason;
    }
    error_code ignored;
    channel_.socket.cancel(ignored);
}

void http1_connection::retire() noexcept {
    // A busy connection ends in finish_exchange().
    retiring_ = true;
    if (state_ != state::busy) {
        end(errc::cancelled);
    }
}

bool http1_connection::ready() {
    // The loop may not have reported readable bytes yet.
    if (idle() && !drained_) {
        receive();
    }
    // An incomplete TLS record would continue as the answer to the next request.
    return idle() && !(channel_.tls && channel_.tls->holds_input());
}

// Reads the socket until it is empty, and processes the bytes.
void http1_connection::receive() {
    // Bounded, so that a peer that sends without end does not hold up the other connections.
    for (int reads = 0; reads < max_reads_per_turn; ++reads) {
        error_code error;
        const std::size_t size = channel_.socket.read_some(asio::buffer(scratch_.input), error);
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
        if (channel_.tls) {
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
    // The loop above ended with more to read. A response may be that long; an idle connection has nothing to receive.
    if (state_ == state::idle) {
        end(errc::unsolicited_data);
    }
}

// Passes received bytes through TLS, record by record.
void http1_connection::decrypt(std::span<const char> input) {
    tls_status status = tls_status::done;
    while (status == tls_status::done && !ended_) {
        scratch_.output.clear();
        const tls_engine::read_result read =
            channel_.tls->read(input, scratch_.plaintext, scratch_.output);
        status = read.status;
        // A read may produce output: the answer to a key update, or an alert.
        if (!channel_.flush(scratch_.output)) {
            end(errc::connection_reset);
        }
        if (status == tls_status::done) {
            take_plaintext(std::span(scratch_.plaintext).first(read.size));
        }
    }
    if (status == tls_status::failed) {
        detail_ = channel_.tls->reason();
        end(errc::tls_failed);
    } else if (status == tls_status::closed) {
        // close_notify (RFC 8446 section 6.1): an orderly end, and no reset.
        peer_left(false);
    }
    // A complete response counts even if the connection ended behind it.
    if (complete_) {
        finish_exchange();
    }
}

// Feeds the bytes of a response to its reader, and wipes them.
void http1_connection::take_plaintext(std::span<char> bytes) {
    // Without a request, bytes belong to none; the next answer on this connection could not be trusted.
    if (state_ != state::busy) {
        end(errc::unsolicited_data);
    } else {
        // The first bytes of a response.
        if (!reader_) {
            reader_ = scratch_.responses.borrow();
            reader_->start(exchange_->request.id, body_limit_);
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
void http1_connection::peer_left(bool reset) noexcept {
    // A server may close an idle connection while a request is on its way. That request can be retried safely.
    const bool before_answer = state_ == state::busy && !reader_;
    if (before_answer && exchanges_ != 0) {
        end(errc::reused_connection_closed);
    } else {
        end(reset ? errc::connection_reset : errc::connection_closed);
    }
}

// A response is complete: delivers the answer.
void http1_connection::finish_exchange() {
    std::unique_ptr<response_reader> reader = std::move(reader_);
    complete_ = false;
    ++exchanges_;
    // Decided before the listener is called, which must not send on a connection that is about to end.
    if (!reader->reusable() || retiring_) {
        end(errc::connection_closed);
    }
    // Of the newest response: a server may shorten it with each one.
    idle_limit_ = reader->keep_alive_timeout();
    state_ = state::idle;

    api_answer& answer = reader->answer();
    answer.sent = exchange_->sent;
    answer.received = timer_now();
    listener_.on_exchanged(exchange_, answer);
    // After the call, because the answer is part of the reader.
    scratch_.responses.give_back(std::move(reader));
}

// The connection has ended before the response was complete: delivers the error.
void http1_connection::fail_exchange() {
    api_answer answer;
    if (reader_) {
        // Date and Retry-After are valid even if the body is incomplete.
        answer.headers = reader_->answer().headers;
        scratch_.responses.give_back(std::move(reader_));
    }
    state_ = state::closed;
    answer.error = *ended_;
    answer.detail = detail_;
    answer.sent = exchange_->sent;
    answer.received = timer_now();
    listener_.on_exchanged(exchange_, answer);
}

} // namespace kallglot
