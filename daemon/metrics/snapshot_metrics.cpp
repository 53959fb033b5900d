// An optional value without content means "not known yet": its family is absent, because 0 would be a measurement.

#include "metrics/snapshot_metrics.hpp"

#include <optional>

namespace kallglot {

namespace {

template <class Number>
void write_if_known(exposition_writer& out, metric which, const std::optional<Number>& value) {
    if (value) {
        out.single(which, static_cast<double>(*value));
    }
}

// Whether the API is usable, and what its headers say about the account.
void write_usability(exposition_writer& out, const daemon_snapshot& daemon) {
    write_if_known(out, metric::up, daemon.up);
    write_if_known(out, metric::api_rate_limit, daemon.rate_limit);
    write_if_known(out, metric::api_rate_limit_remaining, daemon.rate_limit_remaining);
    write_if_known(out, metric::api_rate_limit_reset, daemon.rate_limit_reset_timestamp);
    write_if_known(out, metric::api_credits_remaining, daemon.credits_remaining);
    write_if_known(out, metric::api_credits_used, daemon.credits_used);

    // A state set: one series for each state, and exactly one is 1.
    out.family(metric::api_state);
    for (std::size_t i = 0; i < api_state_count; ++i) {
        const auto state = static_cast<api_state>(i);
        out.sample({{"state", to_string(state)}}, state == daemon.state ? 1 : 0);
    }

    write_if_known(out, metric::api_paused_until, daemon.paused_until_timestamp);
    write_if_known(out, metric::last_poll_success, daemon.last_poll_success_timestamp);
    write_if_known(out, metric::clock_offset, daemon.clock_offset_seconds);
}

// Connections and TLS handshakes of the API client.
void write_connections(exposition_writer& out, const api_connection_counts& counts) {
    out.family(metric::api_connections);
    out.sample({{"state", "idle"}}, static_cast<double>(counts.idle));
    out.sample({{"state", "busy"}}, static_cast<double>(counts.busy));
    out.sample({{"state", "opening"}}, static_cast<double>(counts.opening));
    out.single(metric::api_connections_opened, static_cast<double>(counts.opened_total));
    out.single(metric::api_tls_handshakes, static_cast<double>(counts.tls_handshakes_total));
    out.single(metric::api_tls_resumptions, static_cast<double>(counts.tls_resumptions_total));
    // 0: no handshake yet, or an API without TLS.
    if (counts.certificate_not_after != 0) {
        out.single(metric::api_certificate_not_after,
                   static_cast<double>(counts.certificate_not_after));
    }
}

// Request budget, demand, and polls that are due.
void write_polling(exposition_writer& out, const daemon_snapshot& daemon) {
    write_if_known(out, metric::poll_budget, daemon.budget);
    write_if_known(out, metric::poll_demand, daemon.demand);
    write_if_known(out, metric::poll_stretch, daemon.stretch);
    write_if_known(out, metric::foreign_requests, daemon.foreign_requests_total);
    if (daemon.polls_overdue) {
        out.family(metric::polls_overdue);
        for (std::size_t i = 0; i < poll_class_count; ++i) {
            out.sample({{"class", to_string(static_cast<poll_class>(i))}},
                       static_cast<double>((*daemon.polls_overdue)[i]));
        }
    }
}

// Commits, size and the last corruption of the store.
void write_store(exposition_writer& out, const store_snapshot& store) {
    out.single(metric::store_writes, static_cast<double>(store.writes_total));
    out.single(metric::store_write_failures, static_cast<double>(store.write_failures_total));
    write_if_known(out, metric::store_last_commit, store.last_commit_timestamp);
    write_if_known(out, metric::store_size, store.size_bytes);
    out.single(metric::store_last_corruption, store.last_corruption_timestamp);
}

// The sessions with series of their own, a bounded set.
void write_series(exposition_writer& out, const session_series_snapshot& series) {
    // Two families from one list; the samples of a family must be together. Sessions that have not started have no
    // duration, and a family without samples is not written.
    bool any_duration = false;
    for (const session_series& one : series.sessions) {
        if (!one.duration_seconds) {
            continue;
        }
        if (!any_duration) {
            out.family(metric::session_duration);
            any_duration = true;
        }
        out.sample({{"session_id", one.id.view()},
                    {"mode", to_string(one.mode)},
                    {"provider", to_string(one.provider)}},
                   *one.duration_seconds);
    }
    if (!series.sessions.empty()) {
        out.family(metric::session_status_age);
    }
    for (const session_series& one : series.sessions) {
        out.sample({{"session_id", one.id.view()}, {"status", to_string(one.status)}},
                   one.status_age_seconds);
    }
    out.single(metric::session_series_omitted, static_cast<double>(series.omitted));
}

// The daemon itself: limits, event loop, configuration, webhooks, certificates.
void write_daemon(exposition_writer& out, const daemon_snapshot& daemon) {
    write_if_known(out, metric::sessions_limit, daemon.sessions_limit);
    write_if_known(out, metric::event_loop_delay, daemon.event_loop_delay_seconds);
    write_if_known(out,
                   metric::config_last_reload_successful,
                   daemon.config_last_reload_successful);
    write_if_known(out,
                   metric::config_last_reload_success,
                   daemon.config_last_reload_success_timestamp);
    write_if_known(out, metric::webhook_last_event, daemon.webhook_last_event_timestamp);
    if (!daemon.web_certificates.empty()) {
        out.family(metric::web_certificate_not_after);
        for (const listener_certificate& one : daemon.web_certificates) {
            out.sample({{"listener", one.listener}}, static_cast<double>(one.not_after));
        }
    }
}

} // namespace

void write_snapshot_metrics(exposition_writer& out, const daemon_snapshot& daemon) {
    write_usability(out, daemon);
    if (daemon.connections) {
        write_connections(out, *daemon.connections);
    }
    write_polling(out, daemon);
    if (daemon.series) {
        write_series(out, *daemon.series);
    }
    write_daemon(out, daemon);
    if (daemon.store) {
        write_store(out, *daemon.store);
    }
}

} // namespace kallglot
