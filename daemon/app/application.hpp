/// The daemon: constructs and connects all parts, starts them, reloads them, and stops them in two stages.
///
/// The only class that knows all rooms. It decides nothing about polling. It owns the order of steps: intake acknowledges
/// nothing before the store is open, the daemon is not ready before it listens, and a stop lets requests in flight finish
/// before it closes their connections.

#ifndef KALLGLOT_APP_APPLICATION_HPP
#define KALLGLOT_APP_APPLICATION_HPP

#include "app/config_host.hpp"
#include "app/heap_trimmer.hpp"
#include "app/key_watch.hpp"
#include "app/loop_delay.hpp"
#include "app/memory_guard.hpp"
#include "app/reporter.hpp"
#include "app/start_failure.hpp"
#include "app/systemd_host.hpp"
#include "app/web_host.hpp"
#include "app/webhook_host.hpp"
#include "kallglot/async/loop_clock.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/intake/file_watch.hpp"
#include "kallglot/intake/intake.hpp"
#include "kallglot/log/logging.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/net/client/https_client.hpp"
#include "kallglot/net/client/resolver.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/polling/poller.hpp"
#include "kallglot/polling/request_gate.hpp"
#include "kallglot/ports/daemon_control.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/store/durable_store.hpp"
#include "kallglot/tracking/session_registry.hpp"
#include "kallglot/web/config_routes.hpp"
#include "kallglot/web/private_gate.hpp"
#include "kallglot/web/private_routes.hpp"
#include "kallglot/web/session_api.hpp"
#include "kallglot/web/session_pages.hpp"

#include <boost/asio/signal_set.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Settings from the command line.
struct daemon_options {
    std::vector<listen_address> listen;
    std::string telemetry_path = "/metrics";
    build_details build{};
    config_source source{};                     ///< read again at each reload
    bool enable_lifecycle = false;              ///< POST /-/reload is allowed
    std::optional<api_endpoint> external_url{}; ///< where people reach the private listener
};

/// One daemon. Loop only.
///
/// More than 15 members: they are the parts of the daemon. A part gets references to those above it, and is destroyed
/// before them. What needs a later part gets a function that is called after the start.
///
/// Lifetime: io_context, logger and metrics outlive it; it is destroyed after the loop has run out of work.
class application {
public:
    application(asio::io_context& loop,
                const daemon_options& options,
                prepared_config configuration,
                daemon_metrics& metrics,
                logger& log);
    application(const application&) = delete;
    application& operator=(const application&) = delete;

    /// Reads certificates, binds, and spawns the rest as a task: open the store, work until TERM or INT, stop gracefully.
    /// Then the loop runs out of work. After a failure, too, the caller has to run the loop to its end.
    [[nodiscard]] std::optional<start_failure> start();

    /// Why the daemon ended by itself; empty after a requested stop. Valid when the loop has run out of work.
    [[nodiscard]] const std::optional<start_failure>& failure() const noexcept { return failure_; }

    /// False if a worker is stuck in a system call, so that the process has to end with _Exit.
    [[nodiscard]] bool stop_workers();

private:
    [[nodiscard]] static http_limits private_limits(const prepared_config& configuration);

    [[nodiscard]] std::optional<start_failure> connect_client();
    /// Applies a configuration that was read by a reload. Returns the reason if it cannot be applied; then nothing changed.
    [[nodiscard]] std::optional<std::string> apply(prepared_config& next);
    [[nodiscard]] task<> reload();
    [[nodiscard]] std::optional<start_failure> listen();
    /// Starts timers that run until stop(), so it is called when the start cannot fail any more.
    void follow_files();
    [[nodiscard]] task<> run();
    [[nodiscard]] task<error_code> begin_work();
    [[nodiscard]] task<> wait_for_stop();
    [[nodiscard]] task<> cut_at_second_signal();
    [[nodiscard]] task<> stop();
    void cut();
    [[nodiscard]] bool take_key(const secret& key);
    [[nodiscard]] std::string describe_status() const;

    daemon_options options_;
    settings settings_;       ///< in force
    prepared_config initial_; ///< its parts are moved out during the start
    file_group api_trust_files_;
    daemon_metrics& metrics_;
    logger& log_;

    loop_clock clock_;
    worker_set file_workers_;
    loop_delay delay_;
    systemd_host systemd_;
    session_ledger ledger_;
    poll_schedule schedule_;
    request_gate gate_;
    durable_store store_;
    server_clock api_clock_;
    session_changes changes_;
    poller poller_;
    intake intake_;
    memory_guard memory_;
    heap_trimmer heap_;
    file_watch files_;
    webhook_host webhooks_;
    session_api session_api_;

    worker_thread resolver_worker_;
    resolver resolver_;
    https_client client_;
    key_watch key_watch_;

    reporter reporter_;
    private_routes pages_;
    session_pages session_pages_;
    http_routes routes_;
    private_gate gate_of_pages_;
    web_host web_;
    config_host config_;
    config_routes config_pages_;

    asio::basic_signal_set<loop_executor> signals_;
    task_group life_; ///< run() alone
    task_group tasks_;
    std::unique_ptr<wake_timer> grace_;
    std::optional<start_failure> failure_;
    bool cut_ = false;
};

/// Runs one daemon from start to stop and returns the exit code. If a worker is stuck in a system call, it ends the process.
[[nodiscard]] int run_daemon(const daemon_options& options,
                             prepared_config configuration,
                             stream_logger& log);

/// Raises the soft limit of open files to the hard one, since each connection needs a descriptor.
void raise_file_limit() noexcept;

} // namespace kallglot

#endif
