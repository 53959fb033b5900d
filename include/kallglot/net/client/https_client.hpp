/// The pool of connections to the API: implements the port api_client over TLS.
///
/// A request is sent at once on an open connection with room. If there is none, the pool opens one, and the request
/// waits for the first connection that gets room. Connections that stay idle are closed. One timer serves all
/// deadlines. Requests that the API certainly has not processed are sent again here. Otherwise the pool deliberately
/// does not know polls, budgets or retries: the caller of get() decides, and the pool answers every get() once. How a
/// connection carries requests is the matter of its transport (api_connection).

#ifndef KALLGLOT_NET_CLIENT_HTTPS_CLIENT_HPP
#define KALLGLOT_NET_CLIENT_HTTPS_CLIENT_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/net/client/resolver.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"
#include "net/client/connection_demand.hpp"
#include "net/client/connection_scratch.hpp"
#include "net/client/exchanges.hpp"
#include "net/client/host_addresses.hpp"
#include "net/client/http_version_memory.hpp"
#include "net/client/pooled_connection.hpp"
#include "net/client/request_text.hpp"
#include "net/client/waiting_requests.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// More than 15 members, although addresses, lists, exchanges, waiting requests and versions are classes of their own:
/// when a connection opens, gets room or ends, the pool changes several of them at once, and one timer serves all its
/// deadlines.
///
/// Loop only. Lifetime: resolver and listener outlive it. Before it is destroyed: stop(), then join().
class https_client final : public api_client, private exchange_listener, private address_listener {
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

    /// New connections log in to the proxy with this password, if the settings have a user for it.
    void use_proxy_password(secret password) noexcept { proxy_password_ = std::move(password); }

    /// Uses another key for all further requests. Errors: as configure().
    [[nodiscard]] bool use_key(const secret& key);

    [[nodiscard]] std::size_t capacity() const noexcept override;
    void get(request_permit permit, const get_request& request) override;
    void hold() noexcept override;
    void flush() override;
    [[nodiscard]] api_connection_counts connections() const noexcept override;

    /// First stage of stopping: waiting and new requests are answered `cancelled`; requests in flight may finish.
    void stop();

    /// Second stage: requests in flight are aborted and answered `cancelled`.
    void cut();

    /// Ends when no connection is left. Precondition: stop().
    [[nodiscard]] task<> join();

private:
    void on_exchanged(exchange_ref done, api_answer& answer) override;
    void on_unprocessed(exchange_ref done, resend_cause cause) override;
    void on_changed(pooled_connection& connection) override;
    void on_notice(pooled_connection& connection, const http2_notice& notice) override;
    void on_looked_up(const error_code& error, std::string_view detail) override;

    task<> serve(std::unique_ptr<pooled_connection> connection,
                 std::vector<tcp_endpoint> addresses);
    task<> run_housekeeping();

    [[nodiscard]] pooled_connection* take_free(steady_time now);
    [[nodiscard]] pooled_connection* take_free(connection_list& among, steady_time now);
    void use_room(pooled_connection& connection);
    void dispatch(pooled_connection& connection);
    void send_waiting(std::deque<queued_request>& line, pooled_connection& connection);
    void serve_waiting();
    void send(pooled_connection& connection, const queued_request& request, steady_time now);
    [[nodiscard]] bool resend(const exchange& ended, resend_cause cause);
    void retire(pooled_connection& connection);
    void open_connections();
    void pause_opening();
    void open_one(steady_time now);
    [[nodiscard]] connection_demand demand(steady_time now) const noexcept;
    void use_channel(pooled_connection& connection);
    [[nodiscard]] std::exception_ptr start_transport(pooled_connection& connection);
    void opened(pooled_connection& connection);
    void released(pooled_connection& connection, const error_code& error);
    void report_unopened(const pooled_connection& connection, const error_code& error);
    void note_attempts(const connector& attempts, const error_code& error);
    void note_answer(const pooled_connection& connection, const api_answer& answer);
    void leave_gone_addresses(steady_time now);
    [[nodiscard]] bool is_gone(const pooled_connection& connection) const noexcept;
    void fail_waiting(const error_code& error,
                      std::string_view detail,
                      steady_time queued = steady_time::max());
    void answer_failure(const get_request& request,
                        const error_code& error,
                        std::string_view detail);
    void drain();
    /// Retires the open connections that `which` selects. Cost: visits all of them.
    void retire_open(const std::function<bool(const pooled_connection&)>& which);

    [[nodiscard]] std::size_t open_limit() const noexcept;
    [[nodiscard]] steady_duration wait_limit() const noexcept;
    [[nodiscard]] steady_duration idle_limit(const pooled_connection& connection) const noexcept;
    [[nodiscard]] steady_time next_deadline() const noexcept;
    void wake_at(steady_time when);
    void sweep(steady_time now);
    void check_life(steady_time now);
    void leave(pooled_connection& connection, steady_time now);
    void sweep_waiting(steady_time now);
    void do_housekeeping();

    loop_executor executor_;
    api_listener* listener_ = nullptr;
    api_settings settings_;
    secret proxy_password_;
    std::optional<tls_context> tls_;
    std::unique_ptr<request_text> text_;
    std::string user_agent_;
    host_addresses addresses_;
    connection_scratch scratch_;

    connection_lists lists_;
    exchanges exchanges_;
    http_version_memory versions_;
    std::size_t requests_per_connection_ = 1; // that the newest transport takes at once
    waiting_requests waiting_;
    std::vector<get_request> refused_;    // made after stop(); the housekeeping answers them
    steady_time reserve_after_ = no_time; // no connection is opened in reserve before

    api_connection_counts totals_;
    std::optional<std::size_t> scarce_limit_; // while descriptors are short
    steady_time scarce_until_ = no_time;
    steady_time lookup_deadline_ = no_time;     // while requests wait for an address
    steady_time check_at_ = steady_time::max(); // looks for silent connections
    steady_time open_after_ = no_time;          // while the API refuses connections
    bool holding_ = false;                      // between hold() and flush()
    bool has_held_ = false;                     // requests wait for flush()
    bool stopping_ = false;

    steady_timer timer_;
    steady_time wake_at_ = steady_time::max();
    bool housekeeping_ = false; // its task is running
    task_group::failure_handler on_bug_;
    task_group tasks_;
};

} // namespace kallglot

#endif
