#include "kallglot/app/application.hpp"

#include "kallglot/store/null_engine.hpp"
#include "kallglot/store/sqlite_engine.hpp"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <utility>

namespace kallglot {

namespace {

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

/// A child of the daemon ended with an exception: a bug, told once, never the end of the process.
task_group::failure_handler report_bug(logger& log) {
    return [&log](const std::string& name, const std::string& what) {
        log.error("task failed", {{"task", name}, {"error", what}});
    };
}

/// How long a stopping daemon waits for one call of the disk.
constexpr seconds disk_patience{5};

std::shared_ptr<store_engine> make_engine(const store_settings& values,
                                          const std::string& boot_id) {
    if (values.in_memory()) {
        return std::make_shared<null_engine>();
    }
    return std::make_shared<sqlite_engine>(values.path, boot_id);
}

} // namespace

http_limits application::private_limits(const prepared_config& configuration) {
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
      clock_(loop.get_executor()),
      delay_(clock_),
      systemd_(
          clock_,
          [this] { return store_.busy_since(); },
          [this] { return describe_status(); }),
      ledger_(settings_.sessions.max_tracked),
      schedule_(ledger_.sessions(),
                poll_policy{settings_.poll, settings_.thresholds},
                clock_.now()),
      gate_(request_budget(budget_of(settings_.api), clock_.now()),
            api_health(clock_.now(), random_seed())),
      store_(loop.get_executor(),
             clock_,
             log_,
             make_engine(settings_.store, options_.source.env.boot_id),
             store_limits{},
             report_bug(log_)),
      changes_(ledger_, schedule_, store_, metrics_, clock_),
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
      memory_(clock_, log_, [this](bool is_short) { intake_.hold_off(is_short); }),
      heap_(clock_,
            [this] {
                const api_connection_counts now = client_.connections();
                return now.idle + now.busy + now.opening;
            }),
      files_(loop.get_executor(), clock_, log_, intake_),
      webhooks_(loop.get_executor(),
                settings_.webhook,
                std::move(initial_.config.secrets.webhook_secrets),
                intake_,
                metrics_,
                clock_,
                log_),
      session_api_(intake_, metrics_, std::move(initial_.config.secrets.api_token)),
      resolver_worker_(loop.get_executor(), "resolver"),
      resolver_(resolver_worker_),
      client_(loop.get_executor(), resolver_, report_bug(log_)),
      key_watch_(clock_, log_, [this](const secret& key) { return take_key(key); }),
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
      pages_(reporter_, metrics_, clock_, options_.build, options_.telemetry_path),
      web_(loop.get_executor(), routes_, private_limits(initial_), clock_, log_, session_api_),
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
      life_(loop.get_executor(),
            [this](const std::string& name, const std::string& what) {
                report_bug(log_)(name, what);
                failure_ = start_failure{"the daemon stopped because of a bug, see the log", 1};
            }),
      tasks_(loop.get_executor(), report_bug(log_)),
      grace_(clock_.make_timer([](void* self) { static_cast<application*>(self)->cut(); }, this)) {
    client_.set_listener(poller_);
    poller_.use_idle_probe(settings_.api.idle_probe);
    pages_.install(routes_);
    if (webhooks_.enabled()) {
        ledger_.follow_webhooks();
    }
    session_api_.install(routes_);
    config_pages_.install(routes_);
    reporter_.follow(config_, web_);
}

std::optional<start_failure> application::start() {
    // It waits until there is something to read anew. TERM and INT end a start at once: nothing has been promised yet.
    signals_.add(SIGHUP);
    if (auto failure = connect_client()) {
        return failure;
    }
    if (auto failure = listen()) {
        return failure;
    }
    follow_files();
    delay_.start();
    web_.own_listener().log_addresses();
    life_.spawn("daemon", run());
    return std::nullopt;
}

std::optional<start_failure> application::connect_client() {
    const api_settings& api = settings_.api;
    api_trust_files_ = std::move(initial_.api_trust_files);
    if (!client_.configure(api,
                           initial_.api_trust,
                           initial_.config.secrets.api_key,
                           "kallglot_exporter/" + std::string(options_.build.version))) {
        return start_failure{"API key contains characters not allowed in an HTTP header", 2};
    }
    return std::nullopt;
}

void application::follow_files() {
    key_watch_.use(settings_.api.key_file, initial_.config.secrets.api_key);
    web_.use(options_.source.web_file, std::move(initial_.web));
    initial_.config.secrets = {};
}

std::optional<start_failure> application::listen() {
    // Sockets of systemd come in place of the addresses of the command line.
    const int handed_over = ::sd_listen_fds(1);
    for (int i = 0; i < handed_over; ++i) {
        if (const error_code error = web_.server().adopt(SD_LISTEN_FDS_START + i)) {
            web_.server().cut();
            return start_failure{"socket passed by systemd is not usable: " + error.message(), 2};
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
    const error_code failed = co_await begin_work();
    if (!failed) {
        co_await wait_for_stop();
    }
    co_await stop();
}

task<error_code> application::begin_work() {
    // Until everything is back, scrapes are answered with 503, so that no gauge falls to 0.
    error_code failed = co_await store_.open();
    if (!failed) {
        failed = co_await store_.restore(intake_);
    }
    if (failed) {
        failure_ =
            start_failure{"store " + settings_.store.path + ": " + store_.opening().fault.text, 1};
        co_return failed;
    }
    store_.start(intake_);
    intake_.set_restored();
    reporter_.restored();
    if (auto failure = webhooks_.listen()) {
        failure_ = std::move(failure);
        co_return errc::cancelled;
    }
    memory_.start(memory_limit_bytes());
    heap_.start();
    poller_.start(client_);
    files_.start(settings_.sessions.files);
    reporter_.listening();
    systemd_.ready();
    co_return error_code();
}

task<> application::wait_for_stop() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    for (;;) {
        const auto outcome = co_await signals_.async_wait(as_tuple);
        const int number = std::get<1>(outcome);
        if (number == SIGINT || number == SIGTERM) {
            log_.info("stopping", {{"signal", number == SIGINT ? "INT" : "TERM"}});
            co_return;
        }
        tasks_.spawn("reload", reload());
    }
}

task<> application::stop() {
    // First stage: no new polls, and what is in flight may finish. Scrapes still see the last state.
    reporter_.stopping();
    systemd_.stopping();
    config_.stop();
    files_.stop();
    poller_.stop();
    client_.stop();
    webhooks_.finish();
    grace_->wake_at(clock_.now() + settings_.shutdown_grace);
    tasks_.spawn("second signal", cut_at_second_signal());
    co_await client_.join();
    co_await files_.join();
    co_await webhooks_.join();
    // Everything that was acknowledged is in the store already; what nobody waits for goes there now.
    static_cast<void>(co_await store_.close());
    // Then the listener: requests that have arrived are answered.
    web_.server().finish();
    co_await web_.server().join();
    delay_.stop();
    key_watch_.stop();
    memory_.stop();
    heap_.stop();
    web_.own_listener().stop_following();
    systemd_.stopped();
    grace_->cancel();
    signals_.cancel();
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
        // A reload that comes too late asks for nothing.
        if (number != SIGHUP) {
            cut();
            co_return;
        }
    }
}

void application::cut() {
    // Second stage: the grace is over, or somebody asked twice.
    cut_ = true;
    client_.cut();
    webhooks_.cut();
    store_.leave_when_stuck_for(disk_patience);
    web_.server().cut();
}

std::string application::describe_status() const {
    return "following " + std::to_string(ledger_.sessions().size()) + " sessions, API "
           + std::string(to_string(gate_.health().state()));
}

bool application::take_key(const secret& key) {
    if (!client_.use_key(key)) {
        return false;
    }
    gate_.health().on_key_changed(clock_.now());
    poller_.wake();
    return true;
}

// Reload --------------------------------------------------------------------------------------------------------------

task<> application::reload() {
    systemd_.reloading();
    // The log and the metric say how it went.
    static_cast<void>(co_await config_.reload());
    if (reporter_.ready().ready) {
        systemd_.ready();
    }
}

std::optional<std::string> application::apply(prepared_config& next) {
    const settings& values = next.config.values;
    config::secret_values& secrets = next.config.secrets;
    // The same trust keeps its connections and their sessions.
    if (values.api.base_url == settings_.api.base_url && next.api_trust_files == api_trust_files_) {
        next.api_trust = client_.trust();
    }
    // First what can refuse.
    if (!client_.configure(values.api,
                           next.api_trust,
                           secrets.api_key,
                           "kallglot_exporter/" + std::string(options_.build.version))) {
        return "API key contains characters not allowed in an HTTP header";
    }
    gate_.budget().use_settings(budget_of(values.api));
    // A key that was refused is tried at once, whether or not it is another one.
    gate_.health().on_key_changed(clock_.now());
    key_watch_.use(values.api.key_file, secrets.api_key);

    ledger_.set_max_tracked(values.sessions.max_tracked);
    poller_.use_policy(values.poll, values.thresholds);
    poller_.use_idle_probe(values.api.idle_probe);
    reporter_.use(values);

    if (values.sessions.files != settings_.sessions.files) {
        files_.use_globs(values.sessions.files);
    }
    web_.server().use_limits(private_limits(next));
    session_api_.use_token(std::move(secrets.api_token));
    if (next.webhook_stays) {
        webhooks_.use_max_connections(values.webhook.max_connections);
    } else {
        webhooks_.reload(values.webhook,
                         std::move(secrets.webhook_secrets),
                         std::move(next.webhook_identity),
                         std::move(next.webhook_files));
    }
    web_.use(options_.source.web_file, std::move(next.web));
    api_trust_files_ = std::move(next.api_trust_files);
    settings_ = values;
    poller_.wake();
    return std::nullopt;
}

// Ending --------------------------------------------------------------------------------------------------------------

bool application::stop_workers() {
    const bool resolver_ended = resolver_worker_.stop(std::chrono::seconds(1));
    const bool config_ended = config_.stop_worker(std::chrono::seconds(1));
    const bool auth_ended = web_.stop_worker(std::chrono::seconds(1));
    return store_.stop_worker(std::chrono::seconds(1)) && resolver_ended && config_ended
           && auth_ended;
}

int run_daemon(const daemon_options& options, prepared_config configuration, stream_logger& log) {
    asio::io_context loop(1);
    daemon_metrics metrics(options.build);
    log.on_event([&metrics](log_level level) { metrics.log_message(level); });
    auto daemon =
        std::make_unique<application>(loop, options, std::move(configuration), metrics, log);
    std::optional<start_failure> failure = daemon->start();
    loop.run();
    if (!failure) {
        failure = daemon->failure();
    }
    log.on_event({});
    if (failure) {
        log.error(failure->message);
    }
    const int code = failure ? failure->exit_code : EXIT_SUCCESS;
    if (!daemon->stop_workers()) {
        // A lookup or a disk that hangs in the system cannot be waited for; what could be saved is saved.
        std::_Exit(code);
    }
    return code;
}

void raise_file_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace kallglot
