/// Holds the configuration in force, and reloads it: the whole configuration or nothing.
///
/// A reload reads everything (file, secrets, certificates, web configuration) on a worker thread, since a disk can hang.
/// Only if all of it is valid, it is applied, in one loop iteration. Polls are not interrupted.

#ifndef KALLGLOT_APP_CONFIG_HOST_HPP
#define KALLGLOT_APP_CONFIG_HOST_HPP

#include "app/web_host.hpp"
#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/intake/file_watch.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/daemon_control.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/settings.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kallglot {

/// Where the configuration is read from.
struct config_source {
    std::filesystem::path file;
    config::environment env{};
    std::string web_file; ///< empty: no web configuration
};

/// A configuration whose parts have all been read and are valid.
struct prepared_config {
    config::loaded_config config;
    std::optional<tls_context> api_trust;
    file_group api_trust_files; ///< their state before they were read
    std::optional<tls_context> webhook_identity;
    file_group webhook_files; ///< their state before they were read
    loaded_web web;
    std::size_t private_connections = 0; ///< maximum of the private listener
    std::size_t webhook_connections =
        0;                      ///< maximum of the webhook listener, also of one that stays
    bool webhook_stays = false; ///< its address was removed, which needs a restart
};

using prepare_result = std::variant<prepared_config, config::config_faults>;

/// Reads the whole configuration. Lowers limits of connections, with a warning, if the process has too few descriptors.
/// Blocking. Any thread.
///
/// `running_webhooks`: limit of connections of the webhook listener that runs already; 0 without one. It stays until a
/// restart, even if it is not configured any more.
[[nodiscard]] prepare_result prepare_config(const config_source& source,
                                            std::size_t running_webhooks = 0);

/// Checks the texts of both files, without secrets, certificates and limits of this machine, which may all be elsewhere.
/// Blocking. Any thread.
[[nodiscard]] std::variant<settings, config::config_faults> check_texts(
    const config_source& source);

/// prepare_config() on a thread of its own, for the start. While a file does not answer, a warning names it and the start
/// waits on: the signals TERM and INT end the process. With `check`, globs that match nothing are warnings, too. Blocking.
[[nodiscard]] prepare_result prepare_start(const config_source& source, bool check, logger& log);

/// The paths of all secrets, also those of the web configuration.
[[nodiscard]] secret_paths secrets_of(const config_source& source, const prepared_config& prepared);

/// Loop only. Lifetime: clock and logger outlive it; destroyed after each reload() has ended.
class config_host final : public config_control {
public:
    /// Applies a prepared configuration. Returns the reason if it cannot be applied; then nothing has changed.
    using applier = std::function<std::optional<std::string>(prepared_config& next)>;

    config_host(loop_executor loop,
                clock& time,
                logger& log,
                config_source source,
                settings in_force,
                applier apply,
                task_group::failure_handler on_bug);

    [[nodiscard]] task<reload_outcome> reload() override;

    /// Ends reloads. One that is reading, from a disk that may hang, ends at once and changes nothing.
    void stop();

    /// After stop(): ends when no reload is reading any more.
    [[nodiscard]] task<> join() { return reading_.join(); }

    [[nodiscard]] std::string effective() const override;

    void report(gauge_sink& gauges) const {
        gauges.set(metric::config_last_reload_successful, last_successful_ ? 1 : 0);
        gauges.set(metric::config_last_reload_success, unix_seconds(last_success_));
    }

    /// False if the thread is stuck.
    [[nodiscard]] bool stop_worker(steady_duration patience) { return worker_.stop(patience); }

private:
    [[nodiscard]] task<> read();
    void name_slow_file();
    [[nodiscard]] reload_outcome put_in_force(prepare_result prepared);
    [[nodiscard]] reload_outcome reject(std::vector<std::string> reasons);

    clock& clock_;
    logger& log_;
    config_source source_;
    settings in_force_;
    applier apply_;
    worker_thread worker_;
    bool last_successful_ = true;
    api_time
        last_success_{}; ///< when a configuration was last applied, the one at the start included
    bool reloading_ = false;
    bool stopping_ = false;
    steady_timer wake_; ///< never expires: cancelled when a waiting reload has to look again
    std::shared_ptr<prepare_result> read_; ///< null until the worker has read it
    std::shared_ptr<worker_note> opening_; ///< what the worker is about to open
    std::unique_ptr<wake_timer> slow_;     ///< names the file if the worker does not end
    task_group reading_;
};

} // namespace kallglot

#endif
