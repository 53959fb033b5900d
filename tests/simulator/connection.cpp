#include "simulator/connection.hpp"

#include "simulator/http1_session.hpp"
#include "simulator/http2_session.hpp"

#include <boost/asio/buffer.hpp>

#include <utility>

namespace kallglot::simulator {

namespace asio = boost::asio;

namespace {

// The time for a client to close after the last answer.
constexpr std::chrono::seconds leaving_time{5};

std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}

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
    if (!tls_) {
        open_session({});
    }
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
    transmit(buffers.wire);
    note_handshake();
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
        open_session(tls_->agreed());
    }
}

// Without a session nothing is read or sent. A client without ALPN gets HTTP/1.1, so that control requests work with every
// plan.
void connection::open_session(std::string_view agreed) {
    const std::string_view spoken = host_.state().faults.alpn.spoken;
    const std::string_view protocol = agreed.empty() || spoken == "agreed" ? agreed : spoken;
    if (protocol == "nothing") {
        return;
    }
    if (protocol == "h2") {
        session_ = std::make_unique<http2_session>(host_, from_this_machine_);
    } else {
        session_ = std::make_unique<http1_session>(host_, from_this_machine_);
    }
    resume_session();
}

void connection::serve(std::string_view plain) {
    if (state_ != state::talking || !session_) {
        return;
    }
    std::string& answers = host_.buffers().answers;
    answers.clear();
    session_->receive(plain, now(), answers);
    follow(answers);
}

void connection::resume_session() {
    std::string& answers = host_.buffers().answers;
    answers.clear();
    session_->resume(now(), answers);
    follow(answers);
}

// Sends what the session has written, and does what it wants next.
void connection::follow(std::string_view answers) {
    send(answers);
    if (state_ == state::closed) {
        return;
    }
    switch (session_->end()) {
        case session_end::open: {
            const auto due = session_->next_due();
            if (due && (!armed_for_ || *due < *armed_for_)) {
                armed_for_ = due;
                host_.wake(slot_, *due);
            }
            break;
        }
        case session_end::leave:
            leave();
            break;
        case session_end::cut:
            close();
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
    if (!unsent_.empty()) {
        return;
    }
    if (state_ == state::leaving) {
        boost::system::error_code ignored;
        socket_.shutdown(client_socket::shutdown_send, ignored);
    } else if (state_ == state::talking && std::exchange(postponed_, false)) {
        resume_session();
    }
}

void connection::due() {
    if (state_ == state::leaving && now() >= *armed_for_) {
        close();
    } else if (state_ == state::talking && session_) {
        armed_for_.reset();
        // A flood waits until the client has read the last part, so memory does not grow.
        if (unsent_.empty()) {
            resume_session();
        } else {
            postponed_ = true;
        }
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
    armed_for_ = now() + leaving_time;
    host_.wake(slot_, *armed_for_);
}

void connection::close() {
    if (state_ == state::closed) {
        return;
    }
    state_ = state::closed;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void connection::release_if_done() {
    if (state_ == state::closed && handlers_ == 0 && !std::exchange(releasing_, true)) {
        host_.release(slot_);
    }
}

} // namespace kallglot::simulator
