/// The configuration in force, and how another one takes its place: whole or not at all.
///
/// A reload reads everything (the file, secrets, certificates, the web configuration) on a thread of its own, since disks
/// can hang; only when all of it is good is it put in force, in one turn of the loop. Nothing that is polled is
/// interrupted.

#ifndef KALLGLOT_APP_CONFIG_HOST_HPP
#define KALLGLOT_APP_CONFIG_HOST_HPP

#include "app/web_host.hpp"
#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/config_control.hpp"
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

/// A configuration of which every part was read and found good.
struct prepared_config {
    config::loaded_config config;
    std::optional<tls_context> api_trust;
    file_group api_trust_files; ///< as they were before they were read
    std::optional<tls_context> webhook_identity;
    file_group webhook_files; ///< as they were before they were read
    loaded_web web;
    std::size_t private_connections = 0; ///< of the private listener at most
    std::size_t webhook_connections =
        0;                      ///< of the webhook listener at most, also of one that stays
    bool webhook_stays = false; ///< its address was taken out, which needs a restart
};

using prepare_result = std::variant<prepared_config, config::config_faults>;

/// Reads all of it, and lowers, with a warning, what the process has not enough files for. Blocking. Any thread.
///
/// `running_webhooks`: how many connections a webhook listener may have that runs already; it stays until a restart, even
/// if it is not configured any more.
[[nodiscard]] prepare_result prepare_config(const config_source& source,
                                            std::size_t running_webhooks = 0);

/// Loop only. Lifetime: clock and logger outlive it; reload() has ended before it goes.
class config_host final : public config_control {
public:
    /// Puts a prepared configuration in force. Empty, or why that cannot be: then nothing has changed.
    using applier = std::function<std::optional<std::string>(prepared_config& next)>;

    config_host(loop_executor loop,
                clock& time,
                logger& log,
                config_source source,
                settings in_force,
                applier apply,
                task_group::failure_handler on_bug);

    [[nodiscard]] task<reload_outcome> reload() override;

    /// No reload any more: one that reads, on a disk that may hang, ends at once and changes nothing.
    void stop();

    /// Ends when nothing reads any more, after stop().
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
    [[nodiscard]] reload_outcome put_in_force(prepare_result prepared);
    [[nodiscard]] reload_outcome refuse(std::vector<std::string> reasons);

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
    steady_timer wake_;                    ///< of those who wait for their turn or for what is read
    std::shared_ptr<prepare_result> read_; ///< null until it is there
    task_group reading_;
};

} // namespace kallglot

#endif
