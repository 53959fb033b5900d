/// The pool of connections to the API: implements the port api_client over TLS.
///
/// A request is sent at once on the most recently used idle connection. If none is idle, the pool opens one, and the
/// request waits for the first connection that becomes free. Connections that stay idle are closed. One timer serves
/// all deadlines. The pool deliberately does not know polls, budgets or retries: the caller of get() decides, and the
/// pool answers every get() once.

#ifndef KALLGLOT_NET_CLIENT_HTTPS_CLIENT_HPP
#define KALLGLOT_NET_CLIENT_HTTPS_CLIENT_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/net/client/resolver.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"
#include "net/client/address_book.hpp"
#include "net/client/https_connection.hpp"
#include "net/client/request_text.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: resolver and listener outlive it. Before it is destroyed: stop(), then join().
class https_client final : public api_client, private connection_owner {
public:
    /// `on_bug` is called for exceptions that leave a connection. No connection is opened before the first get().
    https_client(loop_executor executor, resolver& names, task_group::failure_handler on_bug);

    /// The listener receives all answers. Precondition: before the first get().
    void set_listener(api_listener& listener) noexcept { listener_ = &listener; }

    /// Applies settings, trust and key, at the start and after a reload.
    ///
    /// Limits apply at once. Connections to another host, through another proxy or with another `tls` end after the
    /// exchange in flight. A new key needs no new connection. `tls` is empty for plain HTTP only.
    /// Errors: false, and nothing has changed, if the key contains characters that are not allowed in an HTTP header.
    [[nodiscard]] bool configure(const api_settings& settings,
                                 const std::optional<tls_context>& tls,
                                 const secret& key,
                                 std::string user_agent);

    /// The current trust. A reload that changes none of its files passes it on, and every connection stays open.
    [[nodiscard]] const std::optional<tls_context>& trust() const noexcept { return tls_; }

    /// Uses another key for all further requests. Errors: as configure().
    [[nodiscard]] bool use_key(const secret& key);

    [[nodiscard]] std::size_t capacity() const noexcept override;
    void get(request_permit permit, const get_request& request) override;
    [[nodiscard]] api_connection_counts connections() const noexcept override;

    /// First stage of stopping: waiting and new requests are answered `cancelled`; requests in flight may finish.
    void stop();

    /// Second stage: requests in flight are aborted and answered `cancelled`.
    void cut();

    /// Ends when no connection is left. Precondition: stop().
    [[nodiscard]] task<> join();

private:
    void on_open(https_connection& connection) override;
    void on_exchanged(https_connection& connection, api_answer& answer) override;

    task<> serve(std::unique_ptr<https_connection> connection, std::vector<tcp_endpoint> addresses);
    task<> look_up_host();
    task<> run_housekeeping();

    void move_to(connection_list& list, https_connection& connection) noexcept;
    [[nodiscard]] https_connection* take_idle(steady_time now);
    void dispatch(https_connection& connection);
    void reuse_or_release(https_connection& connection);
    void send(https_connection& connection, const get_request& request, steady_time now);
    void open_connections();
    void open_one(steady_time now);
    void released(https_connection& connection, const error_code& error);
    void note_attempts(const https_connection& connection, const error_code& error);
    void note_answer(const https_connection& connection, const api_answer& answer);
    void refresh_addresses(steady_time now);
    void leave_gone_addresses(steady_time now);
    [[nodiscard]] bool is_gone(const https_connection& connection) const noexcept;
    void limit_to_open_connections(steady_time now);
    void fail_waiting(const error_code& error);
    void answer_failure(const get_request& request,
                        const error_code& error,
                        std::string_view detail);
    void drain();
    /// Retires the idle and busy connections that `which` selects. Cost: visits all of them.
    void retire_open(const std::function<bool(const https_connection&)>& which);

    [[nodiscard]] std::size_t open_limit() const noexcept;
    [[nodiscard]] steady_duration idle_limit(const https_connection& connection) const noexcept;
    [[nodiscard]] steady_time next_deadline() const noexcept;
    void wake_at(steady_time when);
    void sweep(steady_time now);
    void do_housekeeping();

    loop_executor executor_;
    resolver& resolver_;
    api_listener* listener_ = nullptr;
    api_settings settings_;
    std::optional<tls_context> tls_;
    std::unique_ptr<request_text> text_;
    std::string user_agent_;
    address_book addresses_;
    connection_scratch scratch_;

    // Each connection is in exactly one list. The first three are in the order of since().
    connection_list opening_;
    connection_list idle_;
    connection_list busy_;
    connection_list ending_;                    // until its coroutine has ended
    std::deque<get_request> waiting_;           // for any connection
    std::deque<get_request> waiting_for_fresh_; // for a connection without an exchange before
    std::vector<get_request> refused_;          // made after stop(); the housekeeping answers them

    api_connection_counts totals_;
    std::optional<std::size_t> scarce_limit_; // while descriptors are short
    steady_time scarce_until_ = no_time;
    steady_time lookup_deadline_ = no_time; // while requests wait for an address
    bool lookup_running_ = false;
    bool stopping_ = false;

    steady_timer timer_;
    steady_time wake_at_ = steady_time::max();
    bool housekeeping_ = false; // its task is running
    task_group::failure_handler on_bug_;
    task_group lookups_;
    task_group tasks_;
};

} // namespace kallglot

#endif
