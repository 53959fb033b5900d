#include "net/client/https_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cassert>
#include <cstring>
#include <utility>

namespace kallglot {

namespace {

// A later address gets its chance after this time (RFC 8305).
constexpr milliseconds head_start{250};

// How often a connection may fill the shared buffer before the others get their turn.
constexpr int most_turns = 4;

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

task<error_code> https_connection::run(std::vector<tcp_endpoint> addresses) {
    const error_code error = co_await open(std::move(addresses));
    if (error) {
        state_ = state::closed;
        co_return error;
    }
    guard([this] { owner_.on_open(*this); });
    while (!ended_) {
        drained_ = false;
        co_await socket_.async_wait(tcp_socket::wait_read, as_tuple);
        if (!ended_) {
            guard([this] { receive(); });
        }
    }
    if (state_ == state::busy) {
        guard([this] { fail_exchange(); });
    }
    say_goodbye();
    co_return error_code();
}

// What throws ends this connection and no more: its exchange is answered as for any other end.
template <class Step>
void https_connection::guard(Step step) noexcept {
    try {
        step();
    } catch (...) {
        bug_ = std::current_exception();
        end(errc::connection_closed);
    }
}

bool https_connection::flush(std::string_view bytes) noexcept {
    if (bytes.empty()) {
        return true;
    }
    error_code error;
    const std::size_t size = socket_.write_some(asio::buffer(bytes), error);
    return !error && size == bytes.size();
}

void https_connection::send(const get_request& request, std::string_view text, steady_time now) {
    assert(idle());
    state_ = state::busy;
    since_ = now;
    sent_ = now;
    request_ = request;
    complete_ = false;
    bool written = false;
    if (engine_) {
        scratch_.output.clear();
        const tls_status status = engine_->write(text, scratch_.output);
        written = status == tls_status::done && flush(scratch_.output);
    } else {
        written = flush(text);
    }
    // The coroutine answers, since nobody may be called back from here.
    if (!written) {
        end(exchanges_ != 0 ? errc::reused_connection_closed : errc::connection_reset);
    }
}

void https_connection::end(errc reason) noexcept {
    if (!ended_) {
        ended_ = reason;
    }
    connector_.cancel();
    error_code ignored;
    socket_.cancel(ignored);
}

void https_connection::end_overdue() noexcept {
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
    retiring_ = true;
    if (state_ != state::busy) {
        end(errc::cancelled);
    }
}

bool https_connection::ready() {
    if (idle() && !drained_) {
        receive();
    }
    // The beginning of a record would go on as the answer to the next request.
    return idle() && !(engine_ && engine_->holds_input());
}

void https_connection::receive() {
    // Bounded, so that a peer that never stops sending does not stop the others.
    for (int turn = 0; turn < most_turns; ++turn) {
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
        drained_ = size < scratch_.input.size();
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
    // Nothing that may come without a request is that long.
    if (state_ == state::idle) {
        end(errc::unsolicited_data);
    }
}

void https_connection::decrypt(std::span<const char> input) {
    tls_status status = tls_status::done;
    while (status == tls_status::done && !ended_) {
        scratch_.output.clear();
        const tls_engine::read_result read =
            engine_->read(input, scratch_.plaintext, scratch_.output);
        status = read.status;
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
    if (complete_) {
        finish_exchange();
    }
}

void https_connection::take_plaintext(std::span<char> bytes) {
    if (state_ != state::busy) {
        end(errc::unsolicited_data);
    } else {
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
    // Responses hold live stream tokens and phone numbers.
    ::explicit_bzero(bytes.data(), bytes.size());
}

void https_connection::peer_left(bool reset) noexcept {
    const bool before_answer = state_ == state::busy && !reader_;
    if (before_answer && exchanges_ != 0) {
        end(errc::reused_connection_closed);
    } else {
        end(reset ? errc::connection_reset : errc::connection_closed);
    }
}

void https_connection::finish_exchange() {
    std::unique_ptr<response_reader> reader = std::move(reader_);
    complete_ = false;
    ++exchanges_;
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
    scratch_.give_back(std::move(reader));
}

void https_connection::fail_exchange() {
    api_answer answer;
    if (reader_) {
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

void https_connection::say_goodbye() noexcept {
    state_ = state::closed;
    if (engine_) {
        scratch_.output.clear();
        engine_->close(scratch_.output);
        static_cast<void>(flush(scratch_.output));
    }
    error_code ignored;
    socket_.close(ignored);
}

} // namespace kallglot
