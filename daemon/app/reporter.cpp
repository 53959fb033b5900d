#include "app/reporter.hpp"

#include "kallglot/report/session_listing.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace kallglot {

namespace {

/// Records counted between two looks at the loop: well below a millisecond.
constexpr std::size_t records_a_step = 8192;

/// How long the call has lasted at `now`, or lasted in the end; empty if it never started.
std::optional<double> call_seconds(const session_record& record, steady_time now) {
    if (record.status == session_status::ended) {
        // No duration is known if the end or the start had no timestamp.
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
    // A webhook may have reported the status after the last poll.
    if (record.was_observed() && record.observed > record.since) {
        // Up to the last poll and not to now: the daemon does not know whether the session is still there.
        one.status_age_seconds = to_seconds(record.observed - record.since);
    }
    return one;
}

} // namespace

reporter::reporter(loop_executor executor, const report_sources& sources, const settings& values)
    : from_(sources),
      counted_(executor) {
    // Never expires: end_count() wakes the scrapes that share a census.
    counted_.expires_at(steady_time::max());
    use(values);
}

void reporter::use(const settings& values) {
    request_timeout_ = values.api.request_timeout;
    series_.set_limit(values.metrics.per_session_limit);
}

void reporter::set_external_url(const api_endpoint& url) {
    external_url_ = (url.tls ? "https://" : "http://") + url.host_header + url.path_prefix;
}

void reporter::restored() noexcept {
    readiness_ = {true, false, "not listening yet"};
}

void reporter::listening() noexcept {
    readiness_ = {true, true, "ready"};
}

void reporter::stopping() noexcept {
    // Scrapes still get sessions, so that the last ones before a restart are complete.
    readiness_ = {readiness_.restored, false, "stopping"};
}

task<result<std::shared_ptr<const daemon_report>>> reporter::take_report() {
    // The table has one census at a time: a scrape that comes meanwhile shares it, even if the next census has begun
    // before the scrape is resumed.
    if (counting_ != nullptr) {
        // Held here: the next census replaces the member.
        const std::shared_ptr<const counted_report> shared = counting_;
        // Ends by end_count(), or with the connection that asked.
        co_await counted_.async_wait(as_tuple);
        if (!shared->whole) {
            co_return errc::cancelled;
        }
        // One object with two types of pointers: it lives as long as any of them.
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
    // The page shows stuck sessions even if no session may have series.
    series_candidates candidates(policy.thresholds, std::max(series_.limit(), max_stuck_shown));
    const census_terms terms{from_.time.now(),
                             &policy,
                             from_.polls.usual_stretch(),
                             from_.polls.usual_shortage(),
                             request_timeout_,
                             &candidates,
                             from_.time.wall_now()};
    census_pass pass(from_.ledger.sessions(), terms);
    const loop_executor executor = co_await asio::this_coro::executor;
    while (pass.step(records_a_step)) {
        // Polls and webhooks run between two steps. The registry corrects the census for what they change.
        co_await asio::post(executor, as_tuple);
    }
    report.census = pass.outcome();
    report.thresholds = policy.thresholds;
    report.wall_now = from_.time.wall_now();
    // After the census and without a wait, so that gauges and counts are of one moment.
    collect(report);
    show_sessions(report, candidates);
}

void reporter::show_sessions(daemon_report& report, series_candidates& candidates) {
    const steady_time now = report.census.at;
    const std::vector<ranked_session> first = candidates.take(from_.ledger.sessions());
    for (const ranked_session& one : first) {
        // Candidates come by rank, so the first one that is not stuck ends the list.
        if (one.rank != series_rank::stuck || report.stuck.size() == max_stuck_shown) {
            break;
        }
        report.stuck.push_back(view_of(from_.ledger.sessions(), one.slot, {now, report.wall_now}));
    }
    auto& shown = report.series.emplace();
    for (const auto& one : series_.choose(first, from_.ledger.sessions(), report.thresholds, now)) {
        shown.sessions.push_back(series_of(one.id, from_.ledger.sessions()[one.slot], now));
    }
    // The series are a subset of the tracked sessions, so this cannot be negative.
    shown.omitted = from_.ledger.sessions().size() - shown.sessions.size();
}

void reporter::collect(daemon_report& report) const {
    const steady_time now = from_.time.now();
    gauge_set& gauges = report.gauges;
    from_.polls.report(gauges);
    from_.gate.report(gauges, now, report.wall_now);
    from_.schedule.report(gauges, now);
    from_.client.connections().report(gauges);
    from_.store.report(gauges);
    from_.delay.report(gauges);
    gauges.set(metric::sessions_limit, static_cast<double>(from_.ledger.sessions().max_tracked()));
    // Both parts are built after the reporter, which they refer to. A scrape before that is not possible, but a test
    // may do without them.
    if (configuration_ != nullptr) {
        configuration_->report(gauges);
    }
    if (web_ != nullptr) {
        web_->own_listener().report(gauges);
    }
    from_.webhooks.report(gauges, from_.ledger.missed_webhooks());

    // Only while requests are too few: the page says how many would decide every session.
    if (const request_supply& supply = from_.schedule.supply(); !supply.decides_all()) {
        report.deciding_rate = supply.needed();
    }
    report.external_url = external_url();
    report.state = from_.gate.health().state();
    report.store_writable = from_.store.writable();
    if (from_.webhooks.enabled()) {
        report.webhooks_flow = from_.schedule.policy().webhooks_flow;
    }
}

std::string reporter::external_url() const {
    if (!external_url_.empty() || web_ == nullptr) {
        return external_url_;
    }
    const std::vector<std::string> addresses = web_->server().addresses();
    // Without --web.external-url the address that was bound is the best guess. It may be 0.0.0.0, which a browser on
    // this machine understands.
    const bool tls = web_->certificate_not_after() != 0;
    return addresses.empty() ? "" : (tls ? "https://" : "http://") + addresses.front();
}

} // namespace kallglot
