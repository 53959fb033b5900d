/// One keep-alive connection of HTTP/1.1 to the API, with one GET at a time.
///
/// One coroutine lives as long as the socket and always waits for it to become readable, idle or busy. So a close or
/// unsolicited bytes are noticed at once. send() does not use the coroutine: it runs inside api_client::get.

#ifndef KALLGLOT_NET_CLIENT_HTTP1_CONNECTION_HPP
#define KALLGLOT_NET_CLIENT_HTTP1_CONNECTION_HPP

#include "net/client/api_channel.hpp"
#include "net/client/api_connection.hpp"
#include "net/client/connection_scratch.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace kallglot {

/// Loop only. Lifetime: listener and scratch outlive it; it outlives its run().
class http1_connection final : public api_connection {
public:
    http1_connection(api_channel channel,
                     exchange_listener& listener,
                     connection_scratch& scratch,
                     std::size_t body_limit_bytes);

    [[nodiscard]] task<error_code> prepare() override;
    [[nodiscard]] task<> run() override;

    [[nodiscard]] std::size_t room() const noexcept override { return idle() ? 1 : 0; }

    [[nodiscard]] bool ending() const noexcept override { return ended_ || retiring_; }

    [[nodiscard]] std::size_t max_room() const noexcept override { return 1; }

    [[nodiscard]] bool ready() override;

    /// A partial write ends the connection: if the kernel does not take a few hundred bytes, the peer does not read.
    void send(exchange_ref next, request_text& text, bool hold) override;

    /// HTTP/1.1 cannot cancel a request, so the connection ends.
    void give_up(exchange_ref /*overdue*/) noexcept override { end(errc::request_timeout); }

    void end(errc reason) noexcept override;
    void retire() noexcept override;

    [[nodiscard]] std::optional<seconds> idle_limit() const noexcept override {
        return idle_limit_;
    }

    [[nodiscard]] std::exception_ptr bug() const noexcept override { return bug_; }

private:
    enum class state : std::uint8_t {
        idle, ///< open, without a request
        busy, ///< a request was sent, its response is incomplete
        closed
    };

    [[nodiscard]] bool idle() const noexcept { return state_ == state::idle && !ended_; }

    template <class Step>
    void guard(Step step) noexcept;
    void receive();
    void decrypt(std::span<const char> input);
    void take_plaintext(std::span<char> bytes);
    void peer_left(bool reset) noexcept;
    void finish_exchange();
    void fail_exchange();

    exchange_listener& listener_;
    connection_scratch& scratch_;
    api_channel channel_;
    std::unique_ptr<response_reader> reader_; // while a response arrives
    std::string_view detail_;
    exchange_ref exchange_; // while busy
    std::optional<seconds> idle_limit_;
    std::size_t body_limit_;
    std::size_t exchanges_ = 0; // completed
    std::optional<errc> ended_;
    std::exception_ptr bug_;
    state state_ = state::idle;
    bool retiring_ = false;
    bool complete_ = false; // the reader has a whole response
    bool drained_ = false;  // the socket was read empty in this turn
};

} // namespace kallglot

#endif
