#include "app/application.hpp"

#include "kallglot/store/store_engines.hpp"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <utility>

namespace kallglot {

namespace {

/// Seeds jitter. Daemons that start together must not poll in step.
std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

/// Logs a task that ended with an exception, which is a bug. The daemon continues without the task.
task_group::failure_handler report_bug(logger& log) {
    return [&log](const std::string& name, const std::string& what) {
        log.error("internal error: a task stopped and does not run again until a restart",
                  {{"task", name}, {"error", what}});
    };
}

/// Threads for files: those of the session files, and one for each of the three followers.
constexpr std::size_t max_file_threads = file_watch::max_calls + 3;

/// How long a stopping daemon waits for one call of the disk.
constexpr seconds disk_timeout{5};

} // namespace

http_limits application::private_limits(const prepared_config& configuration) {
    // The configuration has no key for it; only lack of descriptors lowers it.
    http_limits limits;
    limits.max_connections = configuration.private_connections;
    return limits;
}

application::application(asio::io_context& loop,
                         const daemon_options& options,
                         prepared_config configuration,
                         daemon_metrics& metrics,
                         logger& log)
    : options_(options),
      settings_(configuration.config.values),
      initial_(std::move(configuration)),
      metrics_(metrics),
      log_(log),
      // In the order of the members: each part gets references to the parts before it. Callbacks may name later parts,
      // since they are not called before the loop runs.
      clock_(loop.get_executor()),
      file_workers_(loop.get_executor(), "files", max_file_threads),
      delay_(clock_),
      // The store's call in progress decides whether the watchdog is fed.
      systemd_(
          clock_,
          [this] { return store_.busy_since(); },
          [this] { return describe_status(); }),
      ledger_(settings_.sessions.max_tracked),
      schedule_(ledger_.sessions(),
                poll_policy{settings_.poll, settings_.thresholds},
                clock_.now()),
      // The budget starts with the settings; headers of responses adjust it.
      gate_(request_budget(budget_of(settings_.api), clock_.now()),
            api_health(clock_.now(), random_seed())),
      store_(loop.get_executor(),
             clock_,
             log_,
             make_store_engine(settings_.store, options_.source.env.boot_id),
             store_limits{},
             report_bug(log_)),
      changes_(ledger_, schedule_, store_, metrics_, clock_, log_),
      poller_(ledger_, schedule_, gate_, changes_, api_clock_, metrics_, clock_, log_),
      intake_(ledger_,
              schedule_,
              changes_,
              store_,
              api_clock_,
              metrics_,
              clock_,
              log_,
              static_cast<std::uint32_t>(random_seed())),
      // Intake rejects new ids while memory is short, and the listeners large bodies.
      memory_(clock_,
              log_,
              [this](bool is_short) {
                  // All three together: a listener that accepts large bodies would use up what intake saves.
                  intake_.hold_off(is_short);
                  web_.server().hold_off(is_short);
                  webhooks_.hold_off(is_short);
              }),
      // Connections of the client are the largest users of OpenSSL's memory.
      heap_(clock_,
            [this] {
                const api_connection_counts now = client_.connections();
                return now.idle + now.busy + now.opening;
            }),
      files_(loop.get_executor(), clock_, file_workers_, log_, intake_),
      webhooks_(loop.get_executor(),
                settings_.webhook,
                std::move(initial_.config.secrets.webhook_secrets),
                intake_,
                metrics_,
                clock_,
                file_workers_,
                log_),
      session_api_(intake_, metrics_, std::move(initial_.config.secrets.api_token)),
      // getaddrinfo blocks, and cannot be cancelled.
      resolver_worker_(loop.get_executor(), "resolver"),
      resolver_(resolver_worker_),
      client_(loop.get_executor(), resolver_, report_bug(log_)),
      key_watch_(clock_, file_workers_, log_, [this](const secret& key) { return take_key(key); }),
      reporter_(loop.get_executor(),
                report_sources{ledger_,
                               schedule_,
                               gate_,
                               poller_,
                               api_clock_,
                               client_,
                               delay_,
                               store_,
                               webhooks_,
                               clock_},
                settings_),
      pages_(reporter_,
             metrics_,
             clock_,
             options_.build,
             options_.telemetry_path,
             options_.external_url ? options_.external_url->path_prefix : ""),
      session_pages_(intake_,
                     clock_,
                     options_.build,
                     options_.external_url ? options_.external_url->path_prefix : ""),
      gate_of_pages_(loop.get_executor(),
                     session_api_,
                     options_.external_url,
                     metrics_,
                     clock_,
                     log_),
      web_(loop.get_executor(),
           routes_,
           private_limits(initial_),
           gate_of_pages_,
           clock_,
           file_workers_,
           log_),
      config_(
          loop.get_executor(),
          clock_,
          log_,
          options_.source,
          settings_,
          [this](prepared_config& next) { return apply(next); },
          report_bug(log_)),
      config_pages_(config_, options_.enable_lifecycle),
      signals_(loop.get_executor()),
      // run() is the life of the daemon: if it throws, the daemon ends, unlike with the other tasks.
      life_(loop.get_executor(),
            [this](const std::string& name, const std::string& what) {
                report_bug(log_)(name, what);
                failure_ =
                    start_failure{"daemon stopped by an internal error: see the messages before",
                                  1};
            }),
      tasks_(loop.get_executor(), report_bug(log_)),
      grace_(make_timer<&application::cut>(clock_, *this)) {
    // Connections between parts that need each other.
    // Set here and not in the constructors: each of the two is built before the other would be complete.
    client_.set_listener(poller_);
    poller_.use_idle_probe(settings_.api.idle_probe);
    pages_.install(routes_);
    session_pages_.install(routes_);
    if (webhooks_.enabled()) {
        ledger_.follow_webhooks();
    }
    if (options_.external_url) {
        web_.server().use_prefix(options_.external_url->path_prefix);
        reporter_.set_external_url(*options_.external_url);
    }
    session_api_.install(routes_);
    config_pages_.install(routes_);
    reporter_.follow(config_, web_);
}

std::optional<start_failure> application::start() {
    // HUP is deferred until there is a configuration to reload. TERM and INT keep their default during the start and end
    // the process at once: nothing has been acknowledged yet.
    signals_.add(SIGHUP);
    // Before binding: an unusable API key is an error of the configuration, and a restart does not help.
    if (auto failure = connect_client()) {
        return failure;
    }
    // Binds only. Requests are accepted when the loop runs.
    if (auto failure = listen()) {
        return failure;
    }
    follow_files();
    delay_.start();
    // Port 0 is replaced by the port that was bound, so tests and operators find it in the log.
    web_.own_listener().log_addresses();
    life_.spawn("daemon", run());
    return std::nullopt;
}

std::optional<start_failure> application::connect_client() {
    const api_settings& api = settings_.api;
    // A reload compares them: unchanged files keep the open connections.
    api_trust_files_ = std::move(initial_.api_trust_files);
    if (!client_.configure(api,
                           initial_.api_trust,
                           initial_.config.secrets.api_key,
                           "kallglot_exporter/" + std::string(options_.build.version))) {
        return start_failure{"API key contains characters not allowed in an HTTP header", 2};
    }
    client_.use_proxy_password(std::move(initial_.config.secrets.proxy_password));
    return std::nullopt;
}

void application::follow_files() {
    files_.use_secrets(secrets_of(options_.source, initial_));
    key_watch_.use(settings_.api.key_file, initial_.config.secrets.api_key);
    web_.use(options_.source.web_file, std::move(initial_.web));
    // Each secret is with the part that needs it. No other copy remains.
    initial_.config.secrets = {};
}

std::optional<start_failure> application::listen() {
    // Sockets passed by systemd replace the addresses of the command line.
    // 1: unset the variables, so that no child process takes the sockets for its own.
    const int handed_over = ::sd_listen_fds(1);
    for (int i = 0; i < handed_over; ++i) {
        // A socket that is no listening stream: all sockets are given up, since a partial start would surprise.
        if (const error_code error = web_.server().adopt(SD_LISTEN_FDS_START + i)) {
            web_.server().cut();
            // "Invalid argument" does not tell the author of a socket unit what to write.
            const std::string reason = error == asio::error::invalid_argument
                                           ? "it must be a TCP stream socket that listens "
                                             "(ListenStream= with a port, Accept=no)"
                                           : error.message();
            return start_failure{"socket passed by systemd is not usable: " + reason, 2};
        }
    }
    if (handed_over > 0) {
        return std::nullopt;
    }
    for (const listen_address& address : options_.listen) {
        if (auto failure = web_.own_listener().listen(address)) {
            return failure;
        }
    }
    return std::nullopt;
}

task<> application::run() {
    // A failed start is stopped like a running daemon, so that each part that has started is joined.
    const error_code failed = co_await begin_work();
    if (!failed) {
        co_await wait_for_stop();
    }
    co_await stop();
}

task<error_code> application::begin_work() {
    systemd_.starting([this] { return store_.opening_progress() + ledger_.sessions().size(); },
                      [this] {
                          log_.warn("start waits for the store: no progress for 5 s",
                                    {{"file", settings_.store.path}});
                      });
    // Until all sessions are restored, scrapes get 503, so that no gauge falls to 0.
    error_code failed = co_await store_.open();
    if (!failed) {
        failed = co_await store_.restore(intake_);
    }
    // Without its store the daemon would forget sessions silently, so it does not run.
    if (failed) {
        failure_ =
            start_failure{"store " + settings_.store.path + ": " + store_.opening().fault.text, 1};
        co_return failed;
    }
    // From here on intake accepts ids.
    store_.start(intake_);
    intake_.set_restored();
    reporter_.restored();
    // After the restore: an event for a stored session must find the session.
    if (auto failure = webhooks_.listen(std::move(initial_.webhook_identity),
                                        std::move(initial_.webhook_files))) {
        failure_ = std::move(failure);
        // The reason is in failure_. The code only ends the start.
        co_return errc::cancelled;
    }
    // The guard before the session files, whose import can take much memory.
    memory_.start(memory_limit_bytes());
    heap_.start();
    // Restored sessions are polled first; files add theirs when they have been read.
    poller_.start(client_);
    files_.start(settings_.sessions.files);
    reporter_.listening();
    // Last: units that depend on this one start now.
    systemd_.ready();
    co_return error_code();
}

task<> application::wait_for_stop() {
    // From now on a stop is graceful, since ids may have been acknowledged.
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    for (;;) {
        const auto outcome = co_await signals_.async_wait(as_tuple);
        const int number = std::get<1>(outcome);
        // The name is logged, so that an operator sees whether the service manager or a terminal stopped it.
        if (number == SIGINT || number == SIGTERM) {
            log_.info("stopping", {{"signal", number == SIGINT ? "INT" : "TERM"}});
            co_return;
        }
        // HUP. As a task, so that a disk that hangs during the reload does not block TERM.
        tasks_.spawn("reload", reload());
    }
}

task<> application::stop() {
    // First stage: no new polls, and requests in flight may finish. Scrapes still get the last state.
    // First the readiness, so that load balancers send no more requests.
    reporter_.stopping();
    systemd_.stopping();
    config_.stop();
    files_.stop();
    poller_.stop();
    // Ends idle connections; those with a request in flight get the grace period.
    client_.stop();
    webhooks_.finish();
    // The second stage starts at the end of the grace period, or at a second signal.
    grace_->wake_at(clock_.now() + settings_.shutdown_grace);
    tasks_.spawn("second signal", cut_at_second_signal());
    // Results of these still change sessions, so the store closes after them.
    co_await client_.join();
    co_await files_.join();
    co_await webhooks_.join();
    // Acknowledged changes are in the store already. This writes the changes that no caller waits for.
    static_cast<void>(co_await store_.close());
    // Then the private listener: it responds to requests that have arrived.
    web_.server().finish();
    co_await web_.server().join();
    // Timers keep the loop running, so each of them is stopped.
    delay_.stop();
    key_watch_.stop();
    memory_.stop();
    heap_.stop();
    web_.own_listener().stop_following();
    systemd_.stopped();
    grace_->cancel();
    signals_.cancel();
    // The reload was stopped above. signals_.cancel() has ended the wait for a second signal.
    co_await config_.join();
    co_await tasks_.join();
    log_.info("stopped", {{"cut_off", cut_}});
}

task<> application::cut_at_second_signal() {
    for (;;) {
        const auto [error, number] = co_await signals_.async_wait(as_tuple);
        if (error) {
            co_return;
        }
        // Too late for a reload.
        if (number != SIGHUP) {
            cut();
            co_return;
        }
    }
}

void application::cut() {
    // Second stage: the grace period has ended, or a second signal arrived.
    cut_ = true;
    // Closes connections at once. The store finishes, unless its disk hangs.
    client_.cut();
    webhooks_.cut();
    store_.leave_when_stuck_for(disk_timeout);
    web_.server().cut();
}

std::string application::describe_status() const {
    return "tracking " + std::to_string(ledger_.sessions().size()) + " sessions, API "
           + std::string(to_string(gate_.health().state()));
}

bool application::take_key(const secret& key) {
    if (!client_.use_key(key)) {
        return false;
    }
    // After a rejected key only probes are sent. With the new one normal polling resumes.
    gate_.health().on_key_changed(clock_.now());
    poller_.wake();
    return true;
}

// Reload --------------------------------------------------------------------------------------------------------------

task<> application::reload() {
    // systemctl reload waits for the READY=1 below.
    systemd_.reloading();
    // The log and the metrics report the result.
    static_cast<void>(co_await config_.reload());
    // READY=1 ends RELOADING=1. A daemon that is stopping meanwhile has sent STOPPING=1.
    if (reporter_.ready().ready) {
        systemd_.ready();
    }
}

std::optional<std::string> application::apply(prepared_config& next) {
    const settings& values = next.config.values;
    config::secret_values& secrets = next.config.secrets;
    // With the same trust object the client keeps its connections and TLS sessions.
    if (values.api.base_url == settings_.api.base_url && next.api_trust_files == api_trust_files_) {
        next.api_trust = client_.trust();
    }
    // First the only step that can fail, so that a rejected reload changes nothing.
    if (!client_.configure(values.api,
                           next.api_trust,
                           secrets.api_key,
                           "kallglot_exporter/" + std::string(options_.build.version))) {
        return "API key contains characters not allowed in an HTTP header";
    }
    client_.use_proxy_password(std::move(secrets.proxy_password));
    // From here on nothing can fail. Requests in flight finish with the old settings.
    gate_.budget().use_settings(budget_of(values.api));
    // Also with the same key: the operator may have fixed the account, so a rejected key is tried again at once.
    gate_.health().on_key_changed(clock_.now());
    // Follows the file that the new configuration names.
    key_watch_.use(values.api.key_file, secrets.api_key);

    // Polling follows the new limits and intervals from the next poll on.
    ledger_.set_max_tracked(values.sessions.max_tracked);
    poller_.use_policy(values.poll, values.thresholds);
    poller_.use_idle_probe(values.api.idle_probe);
    reporter_.use(values);

    // Only if changed: setting the patterns reads all files again.
    if (values.sessions.files != settings_.sessions.files) {
        files_.use_globs(values.sessions.files);
    }
    web_.server().use_limits(private_limits(next));
    session_api_.use_token(std::move(secrets.api_token));
    // A listener whose address was removed stays until a restart, with its old settings.
    if (next.webhook_stays) {
        webhooks_.use_max_connections(values.webhook.max_connections);
    } else {
        webhooks_.reload(values.webhook,
                         std::move(secrets.webhook_secrets),
                         std::move(next.webhook_identity),
                         std::move(next.webhook_files));
    }
    files_.use_secrets(secrets_of(options_.source, next));
    web_.use(options_.source.web_file, std::move(next.web));
    // Compared by the next reload.
    api_trust_files_ = std::move(next.api_trust_files);
    settings_ = values;
    // The poller may be waiting for a moment that the old settings gave.
    poller_.wake();
    return std::nullopt;
}

// Ending --------------------------------------------------------------------------------------------------------------

bool application::stop_workers() {
    // Each gets its second, even if one before it is stuck.
    const bool resolver_ended = resolver_worker_.stop(std::chrono::seconds(1));
    const bool config_ended = config_.stop_worker(std::chrono::seconds(1));
    const bool auth_ended = gate_of_pages_.stop_worker(std::chrono::seconds(1));
    const bool files_ended = file_workers_.stop(std::chrono::seconds(1));
    return store_.stop_worker(std::chrono::seconds(1)) && resolver_ended && config_ended
           && auth_ended && files_ended;
}

int run_daemon(const daemon_options& options, prepared_config configuration, stream_logger& log) {
    // The hint 1: one thread runs the loop, so Asio needs fewer locks.
    asio::io_context loop(1);
    daemon_metrics metrics(options.build);
    // Counts log messages by level, also those of the start.
    log.on_event([&metrics](log_level level) { metrics.log_message(level); });
    // On the heap, since it is large, and _Exit below must skip its destructor.
    auto daemon =
        std::make_unique<application>(loop, options, std::move(configuration), metrics, log);
    std::optional<start_failure> failure = daemon->start();
    // Also after a failure: tasks that have started end, and their destructors run.
    loop.run();
    if (!failure) {
        failure = daemon->failure();
    }
    // The metrics end with this function, the logger does not.
    log.on_event({});
    if (failure) {
        log.error(failure->message);
    }
    const int code = failure ? failure->exit_code : EXIT_SUCCESS;
    if (!daemon->stop_workers()) {
        // A thread that hangs in a lookup or on the disk cannot be joined, and destructors would wait for it. All data
        // that could be stored is stored.
        std::_Exit(code);
    }
    return code;
}

void raise_file_limit() noexcept {
    // On failure the soft limit stays, and the configuration check counts with that.
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace kallglot
