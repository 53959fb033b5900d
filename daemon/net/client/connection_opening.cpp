#include "net/client/connection_opening.hpp"

#include "net/client/proxy_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include <cstring>
#include <utility>

namespace kallglot {

namespace {

// The next address is tried after this time (RFC 8305).
constexpr milliseconds head_start{250};

constexpr std::string_view cut_handshake = "connection closed during the TLS handshake";
constexpr std::string_view proxy_left = "the proxy closed the connection";

} // namespace

connection_opening::connection_opening(loop_executor executor,
                                       connection_scratch& scratch,
                                       const std::optional<tls_context>& tls,
                                       secret tunnel,
                                       const http_offer& offer)
    : scratch_(scratch),
      connector_(executor, head_start),
      channel_{tcp_socket(executor),
               tls ? std::make_unique<tls_engine>(*tls, offer.alpn()) : nullptr,
               http_version::http_1_1,
               {}},
      tunnel_(std::move(tunnel)),
      offer_(offer) {}

// TCP, then the tunnel of a proxy, then TLS, each if it is configured.
task<error_code> connection_opening::open(std::vector<tcp_endpoint> addresses) {
    const error_code refused = co_await connector_.connect(std::move(addresses));
    // The abort that end() causes looks like a failure of the network, so its reason goes first.
    if (refused || ended_) {
        detail_ = describe_system_error(connector_.last_error());
        co_return ended_ ? error_code(*ended_) : refused;
    }
    // Behind a proxy TLS begins in the tunnel, so the tunnel comes first.
    channel_.socket = connector_.take();
    if (!tunnel_.empty()) {
        const error_code failed = co_await open_tunnel();
        if (failed) {
            co_return ended_ ? error_code(*ended_) : failed;
        }
    }
    if (channel_.tls) {
        // From here on a timeout is one of the handshake; see end_overdue().
        handshaking_ = true;
        const error_code failed = co_await shake_hands();
        if (failed) {
            // The resumed session may be the reason, and would be each time.
            if (failed == errc::tls_failed || failed == errc::handshake_timeout) {
                channel_.tls->forget_session();
            }
            channel_.close(scratch_.output);
            co_return ended_ ? error_code(*ended_) : failed;
        }
    }
    co_return error_code();
}

// Only sets the reason and wakes open(), so that it is safe to call from every callback.
void connection_opening::end(errc reason) noexcept {
    if (!ended_) {
        ended_ = reason;
    }
    // Each of the two may be what open() waits for.
    // During the connect the sockets belong to the connector, afterwards the channel has the one that won.
    connector_.cancel();
    error_code ignored;
    channel_.socket.cancel(ignored);
}

void connection_opening::end_overdue() noexcept {
    // The step is part of the error: operators handle a slow connect and a slow handshake differently.
    end(handshaking_ ? errc::handshake_timeout : errc::connect_timeout);
}

api_channel connection_opening::take() {
    return std::move(channel_);
}

// RFC 9110 section 9.3.6. The proxy learns host and port; TLS protects the rest.
task<error_code> connection_opening::open_tunnel() {
    backlog_ = tunnel_.reveal();
    // Written like the handshake: the kernel may take only a part.
    const error_code unsent = co_await write_all();
    // It may contain the password of the proxy.
    ::explicit_bzero(backlog_.data(), backlog_.size());
    backlog_.clear();
    if (unsent) {
        co_return fail(proxy_left, errc::proxy_refused);
    }
    // The response has a few hundred bytes; read_proxy_answer() bounds it.
    std::string head;
    while (!ended_) {
        const result<std::size_t> size = co_await read_more();
        if (!size) {
            co_return fail(proxy_left, errc::proxy_refused);
        }
        // The response may arrive in pieces, so each piece is added and all of it is read again.
        head.append(scratch_.input.data(), *size);
        const proxy_answer answer = read_proxy_answer(head);
        if (answer.state == proxy_answer::state_type::refused) {
            co_return fail(answer.detail, errc::proxy_refused);
        }
        if (answer.state == proxy_answer::state_type::open) {
            co_return error_code();
        }
    }
    co_return *ended_;
}

// The TLS handshake: alternates between the engine's output and the peer's input until the engine is done.
task<error_code> connection_opening::shake_hands() {
    std::span<const char> input;
    // Ends with the handshake, or with the socket, which end_overdue() cancels at the connect timeout.
    for (;;) {
        scratch_.output.clear();
        const tls_status status = channel_.tls->handshake(input, scratch_.output);
        // Copied, because other connections use the shared buffer during the next await.
        backlog_ = scratch_.output;
        if (status == tls_status::done) {
            if (!channel_.flush(std::exchange(backlog_, std::string()))) {
                co_return errc::connection_reset;
            }
            const error_code disagreed = agree();
            co_return disagreed ? disagreed : read_early(input);
        }
        if (!backlog_.empty()) {
            const error_code failed = co_await write_all();
            // If the handshake failed, its own reason says more than a failed write of the alert.
            if (failed && status != tls_status::failed) {
                co_return fail(cut_handshake, errc::tls_failed);
            }
        }
        if (status != tls_status::want_input) {
            detail_ = channel_.tls->reason();
            // The alert of a server that knows none of the protocols of the offer.
            if (!offer_.http_1_1 && detail_.ends_with("no application protocol")) {
                co_return errc::http2_unavailable;
            }
            co_return channel_.tls->error() ? channel_.tls->error() : error_code(errc::tls_failed);
        }
        const result<std::size_t> size = co_await read_more();
        if (!size) {
            co_return fail(cut_handshake, errc::tls_failed);
        }
        // Valid until the next await; the engine consumes all of it in the next round.
        input = std::span<const char>(scratch_.input.data(), *size);
    }
}

// Notes the version of HTTP that the server chose.
error_code connection_opening::agree() {
    const std::string_view chosen = channel_.tls->protocol();
    if (const std::optional<http_version> version = offer_.accept(chosen)) {
        channel_.version = *version;
        return {};
    }
    if (!offer_.http_1_1 && http_offer().accept(chosen)) {
        return fail({}, errc::http2_unavailable);
    }
    return fail("the server chose a protocol that was not offered (ALPN)", errc::tls_failed);
}

// Reads what the peer sent behind its last message of the handshake: the tickets of TLS 1.3, or an alert, or the
// settings of HTTP/2.
error_code connection_opening::read_early(std::span<const char> input) {
    for (;;) {
        scratch_.output.clear();
        const tls_engine::read_result read =
            channel_.tls->read(input, scratch_.plaintext, scratch_.output);
        if (!channel_.flush(scratch_.output)) {
            return errc::connection_reset;
        }
        switch (read.status) {
            case tls_status::want_input:
                return {};
            case tls_status::done:
                break;
            case tls_status::closed:
                return errc::connection_closed;
            case tls_status::failed:
                return fail(channel_.tls->reason(), errc::tls_failed);
        }
        // A server of HTTP/2 speaks first. With HTTP/1.1 these bytes would count as the answer to the first request.
        const std::span<char> bytes = std::span(scratch_.plaintext).first(read.size);
        const bool expected = channel_.version == http_version::http_2;
        if (expected) {
            channel_.early.append(bytes.data(), bytes.size());
        }
        ::explicit_bzero(bytes.data(), bytes.size());
        if (!expected) {
            return errc::unsolicited_data;
        }
    }
}

// Waits for bytes and reads them into the shared buffer. Errors: those of the socket, or the reason passed to end().
task<result<std::size_t>> connection_opening::read_more() {
    while (!ended_) {
        co_await channel_.socket.async_wait(tcp_socket::wait_read, as_tuple);
        if (ended_) {
            break;
        }
        error_code error;
        const std::size_t size = channel_.socket.read_some(asio::buffer(scratch_.input), error);
        if (!error) {
            co_return size;
        }
        // Readable without bytes can happen; then wait again.
        if (error != asio::error::would_block) {
            co_return error;
        }
    }
    co_return *ended_;
}

// Writes the backlog, and waits for the kernel if necessary.
task<error_code> connection_opening::write_all() {
    // Usually the kernel takes all of it, and no turn of the loop is needed.
    error_code error;
    const std::size_t size = channel_.socket.write_some(asio::buffer(backlog_), error);
    if (!error && size == backlog_.size()) {
        co_return error_code();
    }
    if (error && error != asio::error::would_block) {
        co_return error;
    }
    // If it would block, nothing was written, otherwise a part.
    const asio::const_buffer rest = asio::buffer(backlog_) + (error ? 0 : size);
    const auto written = co_await asio::async_write(channel_.socket, rest, as_tuple);
    co_return std::get<0>(written);
}

bool connection_opening::broke_off() const noexcept {
    return detail_ == cut_handshake;
}

// Notes the cause for the log. A reason passed to end() comes first: what failed afterwards follows from it.
error_code connection_opening::fail(std::string_view detail, errc error) noexcept {
    if (ended_) {
        return *ended_;
    }
    detail_ = detail;
    return error;
}

} // namespace kallglot
