#include "simulator/connection.hpp"

#include <boost/asio/buffer.hpp>

#include <utility>

namespace kallglot::simulator {

namespace asio = boost::asio;

namespace {

// Bound of unread bytes of a client while its response is delayed; beyond it the connection is closed.
constexpr std::size_t max_unread_bytes = max_head_bytes + max_body_bytes;

// The time for a client to close after the last answer.
constexpr std::chrono::seconds leaving_time{5};

// An endless answer, a mebibyte every few milliseconds, ends at this size.
constexpr std::size_t flood_at_once = 64 * std::size_t{4096};
constexpr std::size_t max_flooded_bytes = std::size_t{1} << 30U;
constexpr std::chrono::milliseconds flood_pause{1};
constexpr std::chrono::seconds drip_pause{1};

constexpr std::string_view malformed_answer =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

} // namespace

connection::connection(connection_host& host,
                       client_socket socket,
                       const tls_identity* identity,
                       std::uint32_t slot)
    : host_(host),
      socket_(std::move(socket)),
      slot_(slot) {
    if (identity != nullptr) {
        tls_.emplace(*identity);
    }
}

void connection::start() {
    boost::system::error_code error;
    socket_.non_blocking(true, error);
    socket_.set_option(asio::ip::tcp::no_delay(true), error);
    const auto peer = socket_.remote_endpoint(error);
    from_this_machine_ = !error && peer.address().is_loopback();
    arm_read();
}

void connection::arm_read() {
    ++handlers_;
    socket_.async_read_some(asio::buffer(input_),
                            [this](const boost::system::error_code& error, std::size_t size) {
                                --handlers_;
                                on_read(error, size);
                                release_if_done();
                            });
}

void connection::on_read(const boost::system::error_code& error, std::size_t size) {
    if (state_ == state::closed) {
        return;
    }
    if (error) {
        close();
        return;
    }
    receive(std::string_view(input_.data(), size));
    // A read is always pending, also while a response is delayed: it detects a client that closes.
    if (state_ != state::closed) {
        arm_read();
    }
}

void connection::receive(std::string_view bytes) {
    if (!tls_) {
        serve(bytes);
        return;
    }
    auto& buffers = host_.buffers();
    buffers.plain.clear();
    buffers.wire.clear();
    const tls_progress progress = tls_->receive(bytes, buffers.plain, buffers.wire);
    note_handshake();
    transmit(buffers.wire);
    if (!buffers.plain.empty()) {
        serve(buffers.plain);
    }
    if (progress != tls_progress::going && state_ != state::closed) {
        if (!handshake_noted_) {
            handshake_noted_ = true;
            host_.handshake_over(false, false);
        }
        close();
    }
}

void connection::note_handshake() {
    if (!handshake_noted_ && tls_->established()) {
        handshake_noted_ = true;
        host_.handshake_over(true, tls_->resumed());
    }
}

void connection::serve(std::string_view data) {
    if (state_ == state::silent || state_ == state::leaving || state_ == state::closed
        || state_ == state::dripping || state_ == state::flooding) {
        return;
    }
    // Usually no bytes are left from before, and the request is parsed in place.
    std::string joined;
    if (!unread_.empty()) {
        joined = std::exchange(unread_, std::string());
        joined.append(data);
        data = joined;
    }
    while (state_ == state::reading && !data.empty()) {
        const std::size_t taken = serve_one(data);
        if (taken == 0) {
            break;
        }
        data.remove_prefix(taken);
    }
    if (data.size() > max_unread_bytes) {
        close();
    } else if (state_ == state::reading || state_ == state::delaying) {
        unread_.assign(data);
    }
}

std::size_t connection::serve_one(std::string_view data) {
    const parse_result parsed = parse_request(data);
    if (parsed.outcome == parse_outcome::incomplete) {
        return 0;
    }
    if (parsed.outcome == parse_outcome::malformed) {
        host_.malformed_request();
        deliver(malformed_answer, after_answer::close);
        return data.size();
    }
    std::string& answer = host_.buffers().answer;
    answer.clear();
    const auto verdict = host_.answer(parsed.request, from_this_machine_, ++answers_, answer);
    counted_ = verdict.counted;
    if (verdict.after == after_answer::silence) {
        state_ = state::silent;
    } else if (verdict.delay.count() > 0) {
        pending_answer_ = answer;
        pending_after_ = verdict.after;
        state_ = state::delaying;
        host_.wake(slot_, verdict.delay);
    } else {
        deliver(answer, verdict.after);
    }
    return parsed.size;
}

void connection::deliver(std::string_view answer, after_answer after) {
    if (std::exchange(counted_, false)) {
        host_.request_over();
    }
    if (after == after_answer::drip) {
        state_ = state::dripping;
        pending_answer_.assign(answer.rbegin(), answer.rend());
        send_next_byte();
        return;
    }
    send(answer);
    if (state_ == state::closed) {
        return;
    }
    switch (after) {
        case after_answer::keep_open:
            state_ = state::reading;
            break;
        case after_answer::close:
            leave();
            break;
        case after_answer::cut:
            close();
            break;
        case after_answer::silence:
        case after_answer::drip:
            state_ = state::silent;
            break;
        case after_answer::flood:
            state_ = state::flooding;
            send_flood();
            break;
    }
}

void connection::send(std::string_view plain) {
    std::string& wire = host_.buffers().wire;
    wire.clear();
    if (!tls_) {
        wire.assign(plain);
    } else if (!tls_->seal(plain, wire)) {
        close();
        return;
    }
    transmit(wire);
}

void connection::send_next_byte() {
    if (pending_answer_.empty()) {
        state_ = state::silent;
        return;
    }
    const char next = pending_answer_.back();
    pending_answer_.pop_back();
    send(std::string_view(&next, 1));
    if (state_ == state::dripping) {
        host_.wake(slot_, drip_pause);
    }
}

void connection::send_flood() {
    static const std::string chunk = "1000\r\n" + std::string(4096, ' ') + "\r\n";
    // The next chunk waits until the client has read this one, so memory does not grow.
    for (std::size_t sent = 0; sent < flood_at_once && unsent_.empty(); sent += chunk.size()) {
        send(chunk);
        flooded_ += chunk.size();
        if (state_ == state::closed || flooded_ >= max_flooded_bytes) {
            close();
            return;
        }
    }
    host_.wake(slot_, flood_pause);
}

void connection::transmit(std::string& wire) {
    if (wire.empty() || state_ == state::closed) {
        return;
    }
    if (!unsent_.empty()) {
        unsent_ += wire;
        return;
    }
    boost::system::error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(wire), error);
    if (error && error != asio::error::would_block) {
        close();
        return;
    }
    if (sent < wire.size()) {
        unsent_.assign(wire, sent);
        ++handlers_;
        socket_.async_wait(client_socket::wait_write,
                           [this](const boost::system::error_code& failed) {
                               --handlers_;
                               on_writable(failed);
                               release_if_done();
                           });
    }
}

void connection::on_writable(const boost::system::error_code& error) {
    if (state_ == state::closed) {
        return;
    }
    if (error) {
        close();
        return;
    }
    std::string rest = std::exchange(unsent_, std::string());
    transmit(rest);
    if (state_ == state::leaving && unsent_.empty()) {
        boost::system::error_code ignored;
        socket_.shutdown(client_socket::shutdown_send, ignored);
    }
}

void connection::due() {
    if (state_ == state::delaying) {
        state_ = state::reading;
        const std::string answer = std::exchange(pending_answer_, std::string());
        deliver(answer, pending_after_);
        // Pipelined requests have waited for this answer.
        if (state_ == state::reading && !unread_.empty()) {
            serve({});
        }
    } else if (state_ == state::dripping) {
        send_next_byte();
    } else if (state_ == state::flooding) {
        send_flood();
    } else if (state_ == state::leaving) {
        close();
    }
    release_if_done();
}

void connection::leave() {
    state_ = state::leaving;
    if (tls_) {
        std::string& wire = host_.buffers().wire;
        wire.clear();
        tls_->say_farewell(wire);
        transmit(wire);
    }
    if (state_ == state::leaving && unsent_.empty()) {
        boost::system::error_code ignored;
        socket_.shutdown(client_socket::shutdown_send, ignored);
    }
    host_.wake(slot_, leaving_time);
}

void connection::close() {
    if (state_ == state::closed) {
        return;
    }
    state_ = state::closed;
    if (std::exchange(counted_, false)) {
        host_.request_over();
    }
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void connection::release_if_done() {
    if (state_ == state::closed && handlers_ == 0 && !std::exchange(releasing_, true)) {
        host_.release(slot_);
    }
}

} // namespace kallglot::simulator
