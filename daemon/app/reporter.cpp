#include "app/reporter.hpp"

#include "kallglot/report/session_listing.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace kallglot {

namespace {

/// Records counted between two looks at the loop: well below a millisecond.
constexpr std::size_t records_a_step = 8192;

double unix_seconds(api_time time) noexcept {
    return to_seconds(time.time_since_epoch());
}

/// How long the call has lasted at `now`, or lasted in the end; empty if it never started.
std::optional<double> call_seconds(const session_record& record, steady_time now) {
    if (record.status == session_status::ended) {
        return record.call_duration_ms == 0
                   ? std::nullopt
                   : std::optional(to_seconds(milliseconds(record.call_duration_ms)));
    }
    return record.started == no_time ? std::nullopt
                                     : std::optional(to_seconds(now - record.started));
}

session_series series_of(const session_id& id, const session_record& record, steady_time now) {
    session_series one{id, record.status, record.mode, record.provider};
    one.duration_seconds = call_seconds(record, now);
    // A webhook may have told the status after the last poll.
    if (record.was_observed() && record.observed > record.since) {
        one.status_age_seconds = to_seconds(record.observed - record.since);
    }
    return one;
}

} // namespace

reporter::reporter(loop_executor executor, const report_sources& sources, const settings& values)
    : from_(sources),
      counted_(executor) {
    counted_.expires_at(steady_time::max());
    use(values);
}

void reporter::use(const settings& values) {
    request_timeout_ = values.api.request_timeout;
    sessions_limit_ = values.sessions.max_tracked;
    series_.set_limit(values.metrics.per_session_limit);
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

task<result<std::shared_ptr<const daemon_report>>> reporter::take_report() {
    // The table has one census at a time; who comes meanwhile shares it, even if the next has begun before he is woken.
    if (counting_ != nullptr) {
        const std::shared_ptr<const counted_report> shared = counting_;
        co_await counted_.async_wait(as_tuple);
        if (!shared->whole) {
            co_return errc::cancelled;
        }
        co_return std::shared_ptr<const daemon_report>(shared, &shared->report);
    }
    const auto own = std::make_shared<counted_report>();
    counting_ = own;
    try {
        co_await count(own->report);
        own->whole = true;
    } catch (...) {
        end_count();
        throw;
    }
    end_count();
    co_return std::shared_ptr<const daemon_report>(own, &own->report);
}

void reporter::end_count() noexcept {
    counting_.reset();
    counted_.cancel();
}

task<> reporter::count(daemon_report& report) {
    const poll_policy policy = from_.schedule.policy();
    series_candidates candidates(policy.thresholds, std::max(series_.limit(), most_stuck_shown));
    const census_terms terms{from_.time.now(),
                             &policy,
                             from_.polls.usual_stretch(),
                             from_.polls.usual_shortage(),
                             request_timeout_,
                             &candidates};
    census_pass pass(from_.ledger.sessions(), terms);
    const loop_executor executor = co_await asio::this_coro::executor;
    while (pass.step(records_a_step)) {
        co_await asio::post(executor, as_tuple);
    }
    report.census = pass.outcome();
    report.thresholds = policy.thresholds;
    report.daemon = snapshot();
    show_sessions(report, candidates);
}

void reporter::show_sessions(daemon_report& report, series_candidates& candidates) {
    const steady_time now = report.census.at;
    const std::vector<ranked_session> first = candidates.take(from_.ledger.sessions());
    for (const ranked_session& one : first) {
        if (one.rank != series_rank::stuck || report.stuck.size() == most_stuck_shown) {
            break;
        }
        report.stuck.push_back(
            view_of(from_.ledger.sessions(), one.slot, {now, report.daemon.wall_now}));
    }
    auto& shown = report.daemon.series.emplace();
    for (const auto& one : series_.choose(first, from_.ledger.sessions(), report.thresholds, now)) {
        shown.sessions.push_back(series_of(one.id, from_.ledger.sessions()[one.slot], now));
    }
    shown.omitted = from_.ledger.sessions().size() - shown.sessions.size();
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
    if (const auto api_now = from_.api_clock.at(at)) {
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
    if (webhook_metrics* const webhooks = from_.webhooks.metrics()) {
        webhooks->missed(from_.ledger.missed_webhooks());
        now.webhooks_flow = from_.schedule.policy().webhooks_flow;
        // Absent until the first event, like every time that is not known.
        if (const auto last = webhooks->last_event()) {
            now.webhook_last_event_timestamp = unix_seconds(*last);
        }
    }
    if (configuration_ != nullptr) {
        now.config_last_reload_successful = configuration_->last_successful();
        now.config_last_reload_success_timestamp = unix_seconds(configuration_->last_success());
    }
    if (web_ != nullptr && web_->certificate_not_after() != 0) {
        now.web_certificates.push_back({"private", web_->certificate_not_after()});
    }
    if (const std::int64_t ends = from_.webhooks.certificate_not_after(); ends != 0) {
        now.web_certificates.push_back({"webhook", ends});
    }
    now.event_loop_delay_seconds = to_seconds(from_.delay.worst());
    return now;
}

} // namespace kallglot
