// The part of https_connection that opens it: TCP by the connector, then the TLS handshake.

#include "net/client/https_connection.hpp"
#include "net/client/proxy_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace kallglot {

namespace {

constexpr std::string_view broke_off = "the peer closed during the handshake";

} // namespace

task<error_code> https_connection::open(std::vector<tcp_endpoint> addresses) {
    const error_code refused = co_await connector_.connect(std::move(addresses));
    if (refused || ended_) {
        detail_ = describe_system_error(connector_.last_error());
        co_return ended_ ? error_code(*ended_) : refused;
    }
    socket_ = connector_.take();
    if (!tunnel_.empty()) {
        const error_code failed = co_await ask_proxy();
        if (failed) {
            co_return ended_ ? error_code(*ended_) : failed;
        }
    }
    if (engine_) {
        state_ = state::handshaking;
        const error_code failed = co_await shake_hands();
        if (failed) {
            if (failed == errc::tls_failed || failed == errc::handshake_timeout) {
                engine_->forget_session();
            }
            say_goodbye();
            co_return ended_ ? error_code(*ended_) : failed;
        }
    }
    state_ = state::idle;
    since_ = std::chrono::steady_clock::now();
    co_return error_code();
}

// RFC 9110 section 9.3.6. The proxy sees host and port, and nothing of what goes through the tunnel.
task<error_code> https_connection::ask_proxy() {
    backlog_ = "CONNECT " + tunnel_ + " HTTP/1.1\r\nHost: " + tunnel_ + "\r\n\r\n";
    const error_code unsent = co_await write_all();
    backlog_.clear();
    if (unsent) {
        detail_ = "the proxy closed the connection";
        co_return errc::proxy_refused;
    }
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

task<error_code> https_connection::shake_hands() {
    std::span<const char> input;
    for (;;) {
        scratch_.output.clear();
        const tls_status status = engine_->handshake(input, scratch_.output);
        // The scratch belongs to everybody again at the next await.
        backlog_ = scratch_.output;
        if (status == tls_status::done) {
            // What came with the end of the handshake is used before anything else is read.
            state_ = state::idle;
            if (!flush(std::exchange(backlog_, std::string()))) {
                co_return errc::connection_reset;
            }
            decrypt(input);
            co_return ended_ ? error_code(*ended_) : error_code();
        }
        if (!backlog_.empty()) {
            const error_code failed = co_await write_all();
            if (failed && status != tls_status::failed) {
                detail_ = broke_off;
                co_return ended_ ? error_code(*ended_) : error_code(errc::tls_failed);
            }
        }
        if (status != tls_status::want_input) {
            detail_ = engine_->reason();
            co_return engine_->error() ? engine_->error() : error_code(errc::tls_failed);
        }
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
        input = std::span<const char>(scratch_.input.data(), size);
    }
}

task<error_code> https_connection::write_all() {
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
