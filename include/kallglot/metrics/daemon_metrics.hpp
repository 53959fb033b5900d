/// The daemon's counters and histograms: one typed method for each thing that happens.
///
/// References to every counter of a fixed list are kept, so that a poll updates its metrics without a look-up, and every
/// label set exists from the start at 0. Gauges that somebody can be asked
/// for are not here but in ports/daemon_snapshot.hpp. Formats nothing.

#ifndef KALLGLOT_METRICS_DAEMON_METRICS_HPP
#define KALLGLOT_METRICS_DAEMON_METRICS_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/metric_labels.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "metrics/bucket_exemplars.hpp"
#include "metrics/instrument_table.hpp"
#include "metrics/metric_table.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace kallglot {

/// Whether a poll counts as late: confirm and event more than 1 s after they were due; the others more than 1 s and a
/// tenth of the stretched interval after the stretched due time.
///
/// `lateness` is measured from the due time before stretching, as the schedule gives it; so is `interval`.
[[nodiscard]] constexpr bool is_late(poll_class which,
                                     steady_duration lateness,
                                     steady_duration interval,
                                     double stretch) noexcept {
    if (which == poll_class::confirm || which == poll_class::event) {
        return lateness > seconds(1);
    }
    const double stretched = to_seconds(interval) * (stretch > 1 ? stretch : 1);
    const double overdue = to_seconds(lateness) - (stretched - to_seconds(interval));
    return overdue > 1 && overdue > stretched / 10;
}

/// Loop only. Cost: a counter 7 ns, a histogram 20 ns.
class daemon_metrics {
public:
    /// Lifetime: the texts of `build` outlive it.
    explicit daemon_metrics(const build_details& build);
    daemon_metrics(const daemon_metrics&) = delete;
    daemon_metrics& operator=(const daemon_metrics&) = delete;

    // Sessions.
    void transition(session_status from, session_status to, labels::transition_source source);

    void regression() noexcept { regressions_.Increment(); }

    void imprecise_transition() noexcept { imprecise_.Increment(); }

    /// `who` stayed so long; `now` is the wall clock, shown beside it as an exemplar.
    void dwell(session_status left, steady_duration stay, const session_id& who, api_time now);

    void setup(steady_duration created_to_started, const session_id& who, api_time now);

    void ended(end_reason reason) noexcept { ended_[labels::index(reason)]->Increment(); }

    void ended_without_start() noexcept { ended_without_start_.Increment(); }

    void ended_duration(steady_duration call) { ended_duration_.Observe(to_seconds(call)); }

    void unknown_status() noexcept { unknown_status_.Increment(); }

    // Requests.
    void request_sent() noexcept { requests_.Increment(); }

    void response(int http_status) noexcept;

    void request_failed(failure_reason reason) noexcept {
        failures_[labels::index(reason)]->Increment();
    }

    void request_duration(steady_duration first_to_last_byte) {
        request_duration_.Observe(to_seconds(first_to_last_byte));
    }

    /// A poll was sent `lateness` after it was due; `late` is is_late().
    void poll(poll_class which, steady_duration lateness, bool late);

    // Intake.
    void session_added(session_source source, std::size_t count = 1) noexcept;
    void session_rejected(labels::rejected_for reason, std::size_t count = 1) noexcept;
    void session_forgotten(labels::forgotten_for reason) noexcept;

    /// Ids taken in from one source since the start.
    [[nodiscard]] double sessions_added(session_source source) const noexcept;

    // The daemon.
    void log_message(log_level level) noexcept { log_messages_[labels::index(level)]->Increment(); }

    [[nodiscard]] const build_details& build() const noexcept { return build_; }

    /// The exemplars of a histogram's series; empty if it has none.
    [[nodiscard]] std::span<const exemplar> exemplars(const metric_info& family,
                                                      std::span<const label_ref> labels) const;

    /// Later instruments of the daemon (webhooks, for instance) add their families here.
    [[nodiscard]] instrument_table& instruments() noexcept { return table_; }

    [[nodiscard]] const instrument_table& instruments() const noexcept { return table_; }

private:
    using counter = prometheus::Counter;
    using histogram = prometheus::Histogram;
    template <std::size_t N>
    using counters = std::array<counter*, N>;
    static constexpr std::size_t known_codes = 18;

    void add_session_metrics();
    void add_request_metrics();
    void add_intake_metrics();
    counter& transition_counter(std::size_t from, std::size_t to, std::size_t source);

    build_details build_;
    instrument_table table_;

    std::array<std::array<std::array<counter*, 2>, session_status_count>, session_status_count>
        transitions_{};
    counter& regressions_;
    counter& imprecise_;
    std::array<histogram*, session_status_count> dwell_{};
    std::array<bucket_exemplars, session_status_count> dwell_examples_;
    histogram& setup_;
    bucket_exemplars setup_examples_;
    histogram& ended_duration_;
    counters<end_reason_count> ended_{};
    counter& ended_without_start_;
    counter& unknown_status_;

    counter& requests_;
    counters<known_codes + 1> responses_{};
    counters<failure_reason_count> failures_{};
    histogram& request_duration_;
    counters<poll_class_count> polls_{};
    counters<poll_class_count> polls_late_{};
    histogram& poll_lateness_;

    counters<session_source_count> added_{};
    counters<labels::rejected_for_words.size()> rejected_{};
    counters<labels::forgotten_for_words.size()> forgotten_{};
    counters<log_level_words.size()> log_messages_{};
};

} // namespace kallglot

#endif
