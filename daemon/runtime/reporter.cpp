#include "kallglot/runtime/reporter.hpp"

#include <boost/asio/post.hpp>

namespace kallglot {

namespace {

/// Records counted between two looks at the loop: well below a millisecond.
constexpr std::size_t records_a_step = 8192;

double unix_seconds(api_time time) noexcept {
    return to_seconds(time.time_since_epoch());
}

} // namespace

reporter::reporter(loop_executor executor, const report_sources& sources, const settings& values)
    : from_(sources),
      request_timeout_(values.api.request_timeout),
      sessions_limit_(values.sessions.max_tracked),
      counted_(executor) {
    counted_.expires_at(steady_time::max());
}

void reporter::restored() noexcept {
    readiness_ = {true, false, "not listening yet"};
}

void reporter::listening() noexcept {
    readiness_ = {true, true, "ready"};
}

void reporter::stopping() noexcept {
    readiness_ = {readiness_.restored, false, "stopping"};
}

task<result<daemon_report>> reporter::take_report() {
    // The table has one census at a time; who comes meanwhile shares it.
    if (counting_) {
        co_await counted_.async_wait(as_tuple);
        if (last_ == nullptr) {
            co_return errc::cancelled;
        }
        co_return *last_;
    }
    counting_ = true;
    last_.reset();
    auto report = std::make_shared<daemon_report>();
    report->census = co_await count();
    report->thresholds = from_.schedule.policy().thresholds;
    report->daemon = snapshot();
    last_ = report;
    counting_ = false;
    counted_.cancel();
    co_return *report;
}

task<census> reporter::count() {
    const steady_time now = from_.time.now();
    const poll_policy policy = from_.schedule.policy();
    const census_terms terms{now,
                             &policy,
                             from_.polls.usual_stretch(),
                             from_.polls.usual_shortage(),
                             request_timeout_};
    census_pass pass(from_.registry, terms);
    const loop_executor executor = co_await asio::this_coro::executor;
    while (pass.step(records_a_step)) {
        co_await asio::post(executor, as_tuple);
    }
    co_return pass.outcome();
}

daemon_snapshot reporter::snapshot() const {
    daemon_snapshot now;
    const steady_time at = from_.time.now();
    const api_health& health = from_.gate.health();
    const response_headers& headers = from_.polls.last_headers();
    now.wall_now = from_.time.wall_now();

    now.up = health.up();
    now.state = health.state();
    now.rate_limit = headers.rate_limit;
    now.rate_limit_remaining = headers.rate_remaining;
    now.credits_remaining = headers.credits_remaining;
    now.credits_used = headers.credits_used;
    if (headers.rate_reset) {
        now.rate_limit_reset_timestamp = unix_seconds(*headers.rate_reset);
    }
    const steady_time pause = health.paused_until(at);
    now.paused_until_timestamp =
        pause == no_time ? 0.0 : unix_seconds(now.wall_now) + to_seconds(pause - at);
    if (const auto success = from_.polls.last_success()) {
        now.last_poll_success_timestamp = unix_seconds(*success);
    }
    if (const auto api_now = from_.polls.api_clock().at(at)) {
        now.clock_offset_seconds = unix_seconds(*api_now) - unix_seconds(now.wall_now);
    }
    now.connections = from_.client.connections();

    now.budget = from_.gate.spendable(at);
    now.demand = from_.schedule.demand();
    now.stretch = from_.schedule.stretch(at);
    now.foreign_requests_total = from_.gate.budget().foreign_requests();
    auto& overdue = now.polls_overdue.emplace();
    for (std::size_t cls = 0; cls < overdue.size(); ++cls) {
        overdue[cls] = from_.schedule.overdue(static_cast<poll_class>(cls));
    }
    now.sessions_limit = sessions_limit_;
    now.store = from_.store.snapshot();
    if (const webhook_metrics* const webhooks = from_.webhooks.metrics()) {
        // Absent until the first event, like every time that is not known.
        if (const auto last = webhooks->last_event()) {
            now.webhook_last_event_timestamp = unix_seconds(*last);
        }
    }
    if (const std::int64_t ends = from_.webhooks.certificate_not_after(); ends != 0) {
        now.web_certificates.push_back({"webhook", ends});
    }
    now.event_loop_delay_seconds = to_seconds(from_.delay.worst());
    return now;
}

} // namespace kallglot
