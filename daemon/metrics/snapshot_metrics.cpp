#include "metrics/snapshot_metrics.hpp"

#include <string_view>

namespace kallglot {

namespace {

/// The series of one metric, if its owner reported any.
void write_gauge(exposition_writer& out, const metric_info& row, const gauge_set& gauges) {
    bool begun = false;
    for (const gauge_set::entry& one : gauges.entries()) {
        if (one.which != row.id) {
            continue;
        }
        if (one.label.empty()) {
            out.single(row.id, one.value);
            // One value without a label is the whole family.
            return;
        }
        // The family is written once, before its first series.
        if (!begun) {
            out.family(row.id);
            begun = true;
        }
        out.sample({{row.labels[0], one.label}}, one.value);
    }
}

/// One session at a time: a family's series must stand together.
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

} // namespace

void write_snapshot_metrics(exposition_writer& out, const daemon_report& report) {
    // In the order of the table. Counters have no gauges, and write nothing here.
    for (const metric_info& row : metric_rows) {
        write_gauge(out, row, report.gauges);
    }
    if (report.series) {
        write_series(out, *report.series);
    }
}

} // namespace kallglot
