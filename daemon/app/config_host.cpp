#include "app/config_host.hpp"

#include "app/api_trust.hpp"
#include "app/descriptor_shares.hpp"
#include "app/webhook_host.hpp"
#include "kallglot/config/reference.hpp"
#include "kallglot/config/web_config.hpp"
#include "kallglot/files/operator_file.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <sys/resource.h>

#include <utility>

namespace kallglot {

namespace {

/// 0: the key is not in the file, so the fault concerns its default.
std::size_t line_of(const config::loaded_config& config, std::string_view key) {
    const auto line = config.lines.find(key);
    return line == config.lines.end() ? 0 : line->second;
}

/// A fault of a certificate file, reported at the key that names it.
config::config_fault fault_of(const config_source& source,
                              const config::loaded_config& config,
                              std::string_view key,
                              const tls_load_error& error) {
    return {error.unreadable ? config::fault_kind::unavailable : config::fault_kind::invalid,
            source.file.string(),
            line_of(config, key),
            std::string(key),
            error.message};
}

/// The key under `api` that most likely causes the fault: the one whose file the message names.
std::string_view api_key_at_fault(const api_settings& api, const tls_load_error& error) {
    // The message of a TLS fault contains the path.
    const auto names = [&](const std::string& path) {
        return !path.empty() && error.message.find(path) != std::string::npos;
    };
    // A message that names no file is about the trust store, which ca_file replaces.
    return names(api.client_key_file)    ? "api.client_key_file"
           : names(api.client_cert_file) ? "api.client_cert_file"
                                         : "api.ca_file";
}

/// How many files the process may open.
std::size_t descriptor_limit() noexcept {
    rlimit limit{};
    // 1024 is the usual default.
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    return known ? static_cast<std::size_t>(limit.rlim_cur) : std::size_t{1024};
}

/// Lowers the limits of connections in `config` to the number of descriptors. Returns the shares of all parts.
std::variant<descriptor_shares, config::config_fault> fit_to_descriptors(
    const config_source& source,
    config::loaded_config& config,
    std::size_t running_webhooks) {
    settings& values = config.values;
    const std::size_t limit = descriptor_limit();
    // The private listener has no setting of its own. A webhook listener that runs keeps its share until a restart.
    // The store, the log and the session files have a fixed share; see descriptor_shares.hpp.
    const descriptor_shares requested{
        values.api.max_connections,
        http_limits{}.max_connections,
        values.webhook.listen ? values.webhook.max_connections : running_webhooks};
    // Even the minimum does not fit: the daemon would fail at random, so it does not start.
    const auto shares = share_descriptors(requested, limit);
    if (!shares) {
        return config::config_fault{config::fault_kind::unavailable,
                                    source.file.string(),
                                    0,
                                    "",
                                    "the process may open only " + std::to_string(limit)
                                        + " files (ulimit -n, LimitNOFILE) and needs at least "
                                        + std::to_string(min_descriptors(requested))};
    }
    // A warning, not an error: the daemon works with fewer connections.
    const auto lower = [&](std::string_view key, std::size_t& value, std::size_t to) {
        // Unchanged, or the part is off.
        if (to >= value) {
            return;
        }
        config.warnings.push_back({config::fault_kind::unavailable,
                                   source.file.string(),
                                   line_of(config, key),
                                   std::string(key),
                                   "lowered from " + std::to_string(value) + " to "
                                       + std::to_string(to) + ": the process may open only "
                                       + std::to_string(limit)
                                       + " files (ulimit -n, LimitNOFILE)"});
        value = to;
    };
    lower("api.max_connections", values.api.max_connections, shares->api);
    if (values.webhook.listen) {
        lower("webhook.max_connections", values.webhook.max_connections, shares->webhook_listener);
    }
    return *shares;
}

/// Globs that match nothing are often mistakes. While the daemon runs, the watch of the files logs them.
void add_glob_notes(const config_source& source, config::loaded_config& config) {
    // For --config.check only: it walks the file system, which may take long.
    for (std::string& note : unmatched_globs(config.values.sessions.files)) {
        config.warnings.push_back({config::fault_kind::unavailable,
                                   source.file.string(),
                                   line_of(config, "sessions.files"),
                                   "sessions.files",
                                   std::move(note)});
    }
}

} // namespace

prepare_result prepare_config(const config_source& source, std::size_t running_webhooks) {
    // Collect all faults: an operator fixes them in one go.
    config::config_faults faults;
    config::load_result loaded = config::load(source.file, source.env);
    if (auto* const found = std::get_if<config::config_faults>(&loaded)) {
        faults = std::move(*found);
    }
    // The web configuration is read even if there are faults already: one run reports all of them.
    web_load_result web = load_web(source.web_file);
    if (const auto* const failed = std::get_if<failed_web>(&web)) {
        faults.insert(faults.end(), failed->faults.begin(), failed->faults.end());
    }
    // Certificates and descriptors depend on the settings, so they are not checked without them.
    auto* const config = std::get_if<config::loaded_config>(&loaded);
    if (config == nullptr) {
        return faults;
    }
    // The state of files is taken before they are read: a change while they are read is then found later.
    file_group trust_files = api_trust_files(config->values.api, source.env);
    // Blocks on files, as does everything in this function. So it runs on a worker.
    auto trust = make_api_trust(config->values.api);
    if (!trust) {
        const auto key = api_key_at_fault(config->values.api, trust.error());
        faults.push_back(fault_of(source, *config, key, trust.error()));
    }
    file_group webhook_files = webhook_certificate_files(config->values.webhook);
    auto identity = make_webhook_identity(config->values.webhook);
    if (!identity) {
        faults.push_back(fault_of(source, *config, "webhook.tls.cert_file", identity.error()));
    }
    const auto fitted = fit_to_descriptors(source, *config, running_webhooks);
    if (const auto* const fault = std::get_if<config::config_fault>(&fitted)) {
        faults.push_back(*fault);
    }
    if (!faults.empty()) {
        return faults;
    }
    if (!source.web_file.empty()) {
        const auto warnings = config::web_config_warnings(std::get<loaded_web>(web).values,
                                                          source.web_file,
                                                          source.env.credentials_directory);
        config->warnings.insert(config->warnings.end(), warnings.begin(), warnings.end());
    }
    return prepared_config{std::move(*config),
                           std::move(*trust),
                           std::move(trust_files),
                           std::move(*identity),
                           std::move(webhook_files),
                           std::get<loaded_web>(std::move(web)),
                           std::get<descriptor_shares>(fitted).private_listener,
                           std::get<descriptor_shares>(fitted).webhook_listener};
}

std::variant<settings, config::config_faults> check_texts(const config_source& source) {
    config::config_faults faults;
    config::load_result loaded = config::load(source.file, source.env, config::load_scope::text);
    if (auto* const found = std::get_if<config::config_faults>(&loaded)) {
        faults = std::move(*found);
    }
    if (!source.web_file.empty()) {
        config::web_config_result web =
            config::load_web_config(source.web_file, config::load_scope::text);
        if (const auto* const found = std::get_if<config::config_faults>(&web)) {
            faults.insert(faults.end(), found->begin(), found->end());
        } else if (
            const auto& tls = std::get<web_settings>(web).tls;
            // A check of the texts opens no other file, so certificates in files are left out.
            tls && tls->cert_file.empty() && tls->key_file.empty() && tls->client_ca_file.empty()) {
            // PEM texts are in the file itself.
            if (const auto made = tls_context::make_server(*tls); !made) {
                faults.push_back({config::fault_kind::invalid,
                                  source.web_file,
                                  0,
                                  "tls_server_config",
                                  made.error().message});
            }
        }
    }
    if (!faults.empty()) {
        return faults;
    }
    return std::get<config::loaded_config>(std::move(loaded)).values;
}

prepare_result prepare_start(const config_source& source, bool check, logger& log) {
    // A loop for the end of the call alone. The thread takes no signals, so this one gets them.
    asio::io_context loop(1);
    const auto waiting = asio::make_work_guard(loop);
    worker_note opening;
    std::optional<prepare_result> prepared;
    worker_thread thread(loop.get_executor(), "start");
    bool is_done = false;
    thread.call(
        [&] {
            // The observer is of this thread. It records each file before it is opened, so that the log can name the
            // one that hangs.
            const file_observer naming([&](const std::string& path) { opening.set(path); });
            prepared.emplace(prepare_config(source));
            auto* const valid = std::get_if<prepared_config>(&*prepared);
            if (check && valid != nullptr) {
                add_glob_notes(source, valid->config);
            }
        },
        [&] { is_done = true; });
    bool is_logged = false;
    while (!is_done) {
        // Without an end: on a network file system that comes back, the start goes on. systemd's TimeoutStartSec ends
        // a hopeless one.
        if (loop.run_one_for(file_follower::patience) == 0 && !std::exchange(is_logged, true)) {
            log.warn("start waits for a file that does not answer", {{"file", opening.get()}});
        }
    }
    return std::move(*prepared);
}

secret_paths secrets_of(const config_source& source, const prepared_config& prepared) {
    secret_paths paths{config::secret_files(prepared.config.values),
                       source.env.credentials_directory.string()};
    // The web file has the hashes of passwords.
    if (!source.web_file.empty()) {
        paths.files.push_back(source.web_file);
    }
    if (prepared.web.values.tls && !prepared.web.values.tls->key_file.empty()) {
        // Session files that lead to one of these are refused; see secret_files.hpp.
        paths.files.push_back(prepared.web.values.tls->key_file);
    }
    return paths;
}

config_host::config_host(loop_executor loop,
                         clock& time,
                         logger& log,
                         config_source source,
                         settings in_force,
                         applier apply,
                         task_group::failure_handler on_bug)
    : clock_(time),
      log_(log),
      source_(std::move(source)),
      in_force_(std::move(in_force)),
      apply_(std::move(apply)),
      worker_(loop, "reload"),
      last_success_(time.wall_now()),
      wake_(loop),
      slow_(make_timer<&config_host::name_slow_file>(time, *this)),
      reading_(loop, std::move(on_bug)) {
    // Never expires: cancel() ends every wait for it.
    wake_.expires_at(steady_time::max());
}

std::string config_host::effective() const {
    // Secrets are no part of the settings, so the text contains none.
    return config::effective_yaml(in_force_);
}

task<reload_outcome> config_host::reload() {
    // HUP and POST /-/reload can overlap. Each gets a result of its own, since the file may have changed in between.
    // A loop and not one wait: several reloads wake together, and the first of them begins again.
    while (reloading_ && !stopping_) {
        co_await wake_.async_wait(as_tuple);
    }
    if (!stopping_) {
        reloading_ = true;
        read_.reset();
        // As a task of its own, so that stop() can abandon it while this coroutine returns a result.
        reading_.spawn("configuration", read());
    }
    while (read_ == nullptr && !stopping_) {
        co_await wake_.async_wait(as_tuple);
    }
    if (stopping_) {
        co_return reload_outcome{false, {"the daemon is stopping"}};
    }
    reload_outcome outcome = put_in_force(std::move(*read_));
    // Lets the next waiting reload start.
    reloading_ = false;
    wake_.cancel();
    co_return outcome;
}

task<> config_host::read() {
    using shared_result = std::shared_ptr<prepare_result>;
    // The worker gets copies: settings in force may change on the loop meanwhile.
    const std::size_t running = in_force_.webhook.listen ? in_force_.webhook.max_connections : 0;
    opening_ = std::make_shared<worker_note>();
    const std::function<result<shared_result>()> work =
        [source = source_, running, opening = opening_] {
            const file_observer naming([&](const std::string& path) { opening->set(path); });
            return result<shared_result>(
                std::make_shared<prepare_result>(prepare_config(source, running)));
        };
    slow_->wake_at(clock_.now() + file_follower::patience);
    const result<shared_result> prepared = co_await worker_.run(work);
    slow_->cancel();
    // Empty only after stop().
    if (prepared) {
        // Shared, because std::function needs results that can be copied, and secrets cannot.
        read_ = *prepared;
    }
    wake_.cancel();
}

void config_host::name_slow_file() {
    log_.warn("reload waits for a file that does not answer", {{"file", opening_->get()}});
}

void config_host::stop() {
    slow_->cancel();
    // Wakes all waiting reloads, which then report that the daemon is stopping.
    stopping_ = true;
    reading_.cancel(asio::cancellation_type::terminal);
    wake_.cancel();
}

reload_outcome config_host::reject(std::vector<std::string> reasons) {
    // The metric stays 0 until a reload succeeds, so that an alert can fire.
    last_successful_ = false;
    for (const std::string& reason : reasons) {
        log_.error("reload rejected: nothing changed", {{"reason", reason}});
    }
    return {false, std::move(reasons)};
}

reload_outcome config_host::put_in_force(prepare_result prepared) {
    // All faults in one response and one log, as at the start.
    if (const auto* const faults = std::get_if<config::config_faults>(&prepared)) {
        std::vector<std::string> reasons;
        for (const config::config_fault& fault : *faults) {
            reasons.push_back(to_string(fault));
        }
        return reject(std::move(reasons));
    }
    auto& next = std::get<prepared_config>(prepared);
    settings& values = next.config.values;
    // The operator removed the address. The listener runs on until the restart that the log asks for.
    next.webhook_stays = in_force_.webhook.listen && !values.webhook.listen;
    // Without its address the listener cannot be rebuilt, so all its settings need a restart.
    std::vector<std::string> changes;
    for (config::config_change& change : config::diff(in_force_, values)) {
        // Listed as a change that needs a restart, whatever the key normally needs.
        if (next.webhook_stays && change.path.starts_with("webhook.")) {
            change.effect = config::change_effect::restart;
        }
        changes.push_back(to_string(change));
    }
    // Its connections still count against the descriptors.
    if (next.webhook_stays) {
        values.webhook = in_force_.webhook;
        values.webhook.max_connections =
            std::min(values.webhook.max_connections, next.webhook_connections);
    }
    // Settings that need a restart keep their value. Each reload until then lists them again.
    values.webhook.listen = in_force_.webhook.listen;
    // Otherwise the next diff would compare with a value that was never in force.
    values.store = in_force_.store;
    // The application can still reject it, for example a key that does not fit into a header.
    if (const auto reason = apply_(next)) {
        return reject({*reason});
    }
    // Only now: a rejected reload leaves everything as it was.
    in_force_ = values;
    last_successful_ = true;
    last_success_ = clock_.wall_now();
    // Logged after it is in force, so that the log never announces a change that did not happen.
    for (const config::config_fault& warning : next.config.warnings) {
        log_.warn(to_string(warning), {});
    }
    for (const std::string& change : changes) {
        log_.info("configuration changed", {{"change", change}});
    }
    log_.info("reloaded", {{"changes", changes.size()}});
    return {true, std::move(changes)};
}

} // namespace kallglot
