#include "live_poller.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace kallglot::test {

namespace {

poll_policy every(milliseconds interval) {
    poll_policy policy;
    policy.poll.intervals = {interval, interval, interval, interval, interval, interval};
    return policy;
}

std::unique_ptr<simulator::simulated_api> make_api(loop& on, std::size_t sessions) {
    simulator::simulated_api_settings settings;
    settings.population.sessions = sessions;
    auto api = std::make_unique<simulator::simulated_api>(on.context(), settings);
    if (const auto error = api->start()) {
        throw std::runtime_error(error.message());
    }
    return api;
}

} // namespace

live_poller::live_poller(loop& on,
                         std::size_t sessions,
                         std::size_t connections,
                         milliseconds interval)
    : loop_(on),
      api_(make_api(on, sessions)),
      clock_(on.executor()),
      schedule_(ledger_.sessions(), every(interval), clock_.now()),
      gate_(request_budget({{rate_limit_mode::unlimited, {}}, {}, 1.0}, clock_.now()),
            api_health(clock_.now(), 4711)),
      changes_(ledger_, schedule_, store_, metrics_, clock_, log_),
      poller_(ledger_, schedule_, gate_, changes_, api_clock_, metrics_, clock_, log_),
      worker_(on.executor(), "lookups"),
      resolver_(worker_) {
    client_ = std::make_unique<https_client>(on.executor(), resolver_, loop::failure());
    client_->set_listener(poller_);
    api_settings settings;
    settings.base_url.host = "127.0.0.1";
    settings.base_url.port = api_->endpoint().port();
    settings.base_url.host_header = api_->authority();
    settings.max_connections = connections;
    settings.max_requests_in_flight = connections;
    tls_client_options trust;
    trust.host = "127.0.0.1";
    trust.ca_file = folder_.file("ca.pem", api_->authority_pem());
    const auto tls = tls_context::make_client(trust);
    if (!tls
        || !client_->configure(settings,
                               *tls,
                               secret(api_->state().key),
                               "kallglot_exporter/test")) {
        throw std::runtime_error("cannot configure the client");
    }
}

live_poller::~live_poller() = default;

void live_poller::start() {
    for (const std::string& id : api_->standing_ids()) {
        const steady_time now = clock_.now();
        changes_.apply(
            ledger_.take_id(session_id::parse(id).value(), session_source::api, false, now),
            now);
    }
    poller_.start(*client_);
}

void live_poller::finish() {
    poller_.stop();
    client_->stop();
    client_->cut();
    EXPECT_TRUE(loop_.run(client_->join()));
    api_->stop();
    loop_.poll();
}

} // namespace kallglot::test
