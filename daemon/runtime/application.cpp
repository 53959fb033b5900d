#include "kallglot/runtime/application.hpp"

#include <sys/resource.h>

#include <csignal>
#include <random>
#include <utility>

namespace kallglot {

namespace {

budget_settings budget_of(const api_settings& api) {
    return {api.rate_limit, api.max_rate, api.budget_share};
}

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

} // namespace

application::application(asio::io_context& loop,
                         const daemon_options& options,
                         config::loaded_config configuration,
                         daemon_metrics& metrics,
                         logger& log)
    : loop_(loop),
      options_(options),
      settings_(std::move(configuration.values)),
      secrets_(std::move(configuration.secrets)),
      metrics_(metrics),
      log_(log),
      clock_(loop.get_executor()),
      delay_(clock_),
      systemd_(clock_),
      registry_(settings_.sessions.max_tracked),
      schedule_(registry_, poll_policy{settings_.poll, settings_.thresholds}, clock_.now()),
      gate_(request_budget(budget_of(settings_.api), clock_.now()),
            api_health(clock_.now(), random_seed())),
      poller_(registry_, schedule_, gate_, store_, metrics_, clock_, log_),
      intake_(registry_, store_, poller_, metrics_, clock_, log_),
      files_(loop.get_executor(), clock_, log_, intake_),
      resolver_worker_(loop.get_executor(), "resolver"),
      resolver_(resolver_worker_),
      client_(loop.get_executor(), resolver_, report_bug(log_)),
      key_watch_(clock_, log_, [this](const secret& key) { return take_key(key); }),
      reporter_(loop.get_executor(),
                report_sources{registry_, schedule_, gate_, poller_, client_, delay_, clock_},
                settings_),
      pages_(reporter_, metrics_, clock_, options_.build, options_.telemetry_path),
      server_(loop.get_executor(), "private", routes_, http_limits{}, clock_, log_),
      signals_(loop.get_executor()),
      tasks_(loop.get_executor(), report_bug(log_)),
      grace_(clock_.make_timer([](void* self) { static_cast<application*>(self)->cut(); }, this)) {
    client_.set_listener(poller_);
    pages_.install(routes_);
}

std::optional<start_failure> application::start() {
    raise_file_limit();
    if (auto failure = connect_client()) {
        return failure;
    }
    if (auto failure = listen()) {
        return failure;
    }
    if (!settings_.store.in_memory()) {
        log_.warn("sessions are kept in memory only: this version has no store on disk",
                  {{"path", settings_.store.path}});
    }
    delay_.start();
    reporter_.restored();
    poller_.start(client_);
    key_watch_.start(settings_.api.key_file);
    files_.start(settings_.sessions.files);
    reporter_.listening();
    for (const std::string& address : server_.addresses()) {
        log_.info("listening", {{"listener", "private"}, {"address", address}});
    }
    systemd_.ready();
    return std::nullopt;
}

std::optional<start_failure> application::connect_client() {
    const api_settings& api = settings_.api;
    const auto tls = make_api_trust(api);
    if (!tls) {
        return start_failure{tls.error().message, tls.error().unreadable ? 1 : 2};
    }
    if (!client_.configure(api,
                           *tls,
                           secrets_.api_key,
                           "kallglot_exporter/" + std::string(options_.build.version))) {
        return start_failure{"the API key cannot be put into a header", 2};
    }
    return std::nullopt;
}

std::optional<start_failure> application::listen() {
    for (const listen_address& address : options_.listen) {
        if (const error_code error = server_.listen(address)) {
            server_.cut();
            return start_failure{"cannot listen on " + address.text + ": " + error.message(), 1};
        }
    }
    return std::nullopt;
}

task<> application::run() {
    co_await wait_for_stop();
    co_await stop();
}

task<> application::wait_for_stop() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.add(SIGHUP);
    for (;;) {
        const auto outcome = co_await signals_.async_wait(as_tuple);
        const int number = std::get<1>(outcome);
        if (number == SIGINT || number == SIGTERM) {
            log_.info("stopping", {{"signal", number == SIGINT ? "INT" : "TERM"}});
            co_return;
        }
        log_.warn("this version cannot reload its configuration: restart it instead");
    }
}

task<> application::stop() {
    // First stage: no new polls, and what is in flight may finish. Scrapes still see the last state.
    reporter_.stopping();
    systemd_.stopping();
    files_.stop();
    poller_.stop();
    client_.stop();
    grace_->wake_at(clock_.now() + settings_.shutdown_grace);
    tasks_.spawn("second signal", cut_at_second_signal());
    co_await client_.join();
    co_await files_.join();
    // Then the listener: requests that have arrived are answered.
    server_.finish();
    co_await server_.join();
    delay_.stop();
    key_watch_.stop();
    systemd_.stopped();
    grace_->cancel();
    signals_.cancel();
    co_await tasks_.join();
    log_.info("stopped", {{"cut_off", cut_}});
}

task<> application::cut_at_second_signal() {
    const auto outcome = co_await signals_.async_wait(as_tuple);
    if (!std::get<0>(outcome)) {
        cut();
    }
}

void application::cut() {
    // Second stage: the grace is over, or somebody asked twice.
    cut_ = true;
    client_.cut();
    server_.cut();
}

bool application::take_key(const secret& key) {
    if (!client_.use_key(key)) {
        return false;
    }
    gate_.health().on_key_changed(clock_.now());
    poller_.wake();
    return true;
}

bool application::stop_workers() {
    return resolver_worker_.stop(std::chrono::seconds(1));
}

tls_result<std::optional<tls_context>> make_api_trust(const api_settings& api) {
    if (!api.base_url.tls) {
        return std::optional<tls_context>();
    }
    auto made = tls_context::make_client(
        {api.base_url.host, api.ca_file, api.client_cert_file, api.client_key_file});
    if (!made) {
        return made.error();
    }
    return std::optional<tls_context>(*made);
}

void raise_file_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace kallglot
