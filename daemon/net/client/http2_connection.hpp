/// One HTTP/2 connection to the API: socket and TLS around http2_session.
///
/// One coroutine lives as long as the socket. It waits until the socket is readable, or until requests are to be sent:
/// all requests of one turn of the loop leave in one TLS record and one system call. Decisions about frames are in
/// http2_session, decisions about requests in the pool.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_CONNECTION_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_CONNECTION_HPP

#include "net/client/api_channel.hpp"
#include "net/client/api_connection.hpp"
#include "net/client/connection_scratch.hpp"
#include "net/client/http2_session.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kallglot {

/// More members than most classes, since it is where the pool, the socket and the frames meet: five are theirs, the others are the
/// state of one coroutine.
///
/// Loop only. Lifetime: owner, listener and scratch outlive it; it outlives its run().
class http2_connection final : public api_connection {
public:
    struct options {
        http2_limits limits;
        steady_time retire_at = steady_time::max(); ///< when it is old enough to be replaced
        milliseconds send_timeout{5000}; ///< for bytes that the peer does not acknowledge
    };

    http2_connection(api_channel channel,
                     pooled_connection& owner,
                     exchange_listener& listener,
                     connection_scratch& scratch,
                     const options& with);

    /// Sends the preface and waits for the server's SETTINGS. So the key is never sent to a server that does not speak
    /// HTTP/2, and no request exceeds the server's limit.
    [[nodiscard]] task<error_code> prepare() override;
    [[nodiscard]] task<> run() override;
    [[nodiscard]] std::size_t room() const noexcept override;
    [[nodiscard]] bool ending() const noexcept override;

    [[nodiscard]] std::size_t max_room() const noexcept override { return session_.max_room(); }

    [[nodiscard]] bool worn() const noexcept override { return session_.worn(); }

    [[nodiscard]] bool ready() override;
    void send(exchange_ref next, request_text& text, bool hold) override;
    void send_held() noexcept override;

    /// Cancels the request; ends the connection if the server has been silent since the request was sent.
    void give_up(exchange_ref overdue) noexcept override;
    steady_time check_life(steady_time now) noexcept override;
    void end(errc reason) noexcept override;
    void retire() noexcept override;

    [[nodiscard]] bool was_silent() const noexcept override {
        return ended_ == errc::request_timeout;
    }

    [[nodiscard]] std::string_view detail() const noexcept override { return session_.detail(); }

    [[nodiscard]] std::exception_ptr bug() const noexcept override { return bug_; }

private:
    template <class Step>
    void guard(Step step) noexcept;
    task<> wait();
    void wake() noexcept;
    void take_turn();
    void receive();
    void receive_rest();
    std::size_t receive_some();
    void decrypt(std::span<const char> input);
    void feed(std::span<char> plaintext);
    void flush();
    void put(std::string_view bytes);
    void report_notices();
    void report_changes();
    void conclude();

    pooled_connection& owner_;
    exchange_listener& listener_;
    connection_scratch& scratch_;
    api_channel channel_;
    http2_session session_;
    std::string unsent_; // encrypted; what the kernel has not taken yet
    steady_time retire_at_;
    steady_time last_read_ = no_time;
    std::optional<errc> ended_;
    std::exception_ptr bug_;
    bool readable_ = false;
    bool woken_ = false;   // bytes are to be sent
    bool in_turn_ = false; // take_turn() will send
    bool had_room_ = false;
    bool retiring_ = false;
    bool send_failed_ = false;
};

} // namespace kallglot

#endif
