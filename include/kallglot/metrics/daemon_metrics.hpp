/// The counters and histograms of the daemon: one method for each kind of event (metrics_sink).
///
/// Every series with fixed label values exists from the start at 0 and is referenced directly, so a poll updates its
/// metrics without a look-up. Gauges are in ports/daemon_report.hpp; the format is in exposition_writer.hpp.

#ifndef KALLGLOT_METRICS_DAEMON_METRICS_HPP
#define KALLGLOT_METRICS_DAEMON_METRICS_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/metric_table.hpp"
#include "kallglot/ports/metrics_sink.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/stuck_episode.hpp"
#include "metrics/bucket_exemplars.hpp"
#include "metrics/instrument_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace kallglot {

/// Why a login was refused: the label `reason` of kallglot_exporter_refused_logins_total.
enum class login_refusal : std::uint8_t {
    password, ///< missing or wrong
    token,    ///< of the session API, missing or wrong
    busy      ///< too many logins wait for their password hash
};
inline constexpr auto login_refusal_words = make_vocabulary<login_refusal>({
    {login_refusal::password, "password"},
    {login_refusal::token, "token"},
    {login_refusal::busy, "busy"},
});

/// Loop only. More than 15 members: a pointer or reference for each instrument, so that counting needs no look-up.
/// Cost: 7 ns for a counter, 20 ns for a histogram.
class daemon_metrics final : public metrics_sink {
public:
    /// Lifetime: the texts of `build` outlive this object.
    explicit daemon_metrics(const build_details& build);
    daemon_metrics(const daemon_metrics&) = delete;
    daemon_metrics& operator=(const daemon_metrics&) = delete;

    void transition(const status_change& change,
                    change_source source,
                    const session_id& id,
                    api_time now) override;
    void setup(steady_duration created_to_started, const session_id& id, api_time now) override;

    void ended(end_reason reason) noexcept override { at(ended_, reason).Increment(); }

    void ended_duration(steady_duration call) override {
        ended_duration_.Observe(to_seconds(call));
    }

    void ended_without_start() noexcept override { ended_without_start_.Increment(); }

    void episode_ended(const stuck_episode& episode) override;

    void request_sent() noexcept override { requests_.Increment(); }

    void response(int http_status, steady_duration first_to_last_byte) override;

    void request_failed(failure_reason reason) noexcept override {
        at(failures_, reason).Increment();
    }

    void unknown_status() noexcept override { unknown_status_.Increment(); }

    void poll(poll_class which, steady_duration lateness, bool late) override;

    void session_added(session_source source) noexcept override { at(added_, source).Increment(); }

    void session_rejected(reject_reason reason, std::size_t count) noexcept override {
        at(rejected_, reason).Increment(static_cast<double>(count));
    }

    void session_forgotten(forget_reason reason) noexcept override {
        at(forgotten_, reason).Increment();
    }

    /// Number of ids registered from one source since the start.
    [[nodiscard]] double sessions_added(session_source source) const noexcept {
        return at(added_, source).Value();
    }

    // The daemon.
    void login_refused(login_refusal reason) noexcept { at(refused_logins_, reason).Increment(); }

    void log_message(log_level level) noexcept { at(log_messages_, level).Increment(); }

    [[nodiscard]] const build_details& build() const noexcept { return build_; }

    /// The exemplars of one series of a histogram; empty if it has none.
    [[nodiscard]] std::span<const exemplar> exemplars(const metric_info& family,
                                                      std::span<const label_ref> labels) const;

    /// The registry; optional parts of the daemon, for example webhooks, add their families here.
    [[nodiscard]] instrument_table& instruments() noexcept { return table_; }

    [[nodiscard]] const instrument_table& instruments() const noexcept { return table_; }

private:
    using counter = prometheus::Counter;
    using histogram = prometheus::Histogram;
    template <std::size_t N>
    using counters = std::array<counter*, N>;
    static constexpr std::size_t known_codes = 18;

    template <class Enum, std::size_t Size>
    [[nodiscard]] static counter& at(const counters<Size>& list, Enum value) noexcept {
        return *list[static_cast<std::size_t>(value)];
    }

    void add_session_metrics();
    void add_episode_metrics();
    void add_request_metrics();
    void add_intake_metrics();
    counter& transition_counter(session_status from, session_status to, change_source source);

    build_details build_;
    instrument_table table_;

    std::array<std::array<std::array<counter*, change_source_words.size()>, session_status_count>,
               session_status_count>
        transitions_{};
    counter& regressions_;
    counter& imprecise_;
    std::array<histogram*, session_status_count> dwell_{};
    std::array<bucket_exemplars, session_status_count> dwell_exemplars_;
    histogram& setup_;
    bucket_exemplars setup_exemplars_;
    histogram& ended_duration_;
    counters<end_reason_count> ended_{};
    counter& ended_without_start_;
    std::array<counters<episode_outcome_words.size()>, session_status_count> episodes_{};
    std::array<histogram*, session_status_count> episode_duration_{};
    counter& unknown_status_;

    counter& requests_;
    counters<known_codes + 1> responses_{};
    counters<failure_reason_count> failures_{};
    histogram& request_duration_;
    counters<poll_class_count> polls_{};
    counters<poll_class_count> polls_late_{};
    histogram& poll_lateness_;

    counters<session_source_count> added_{};
    counters<reject_reason_words.size()> rejected_{};
    counters<forget_reason_words.size()> forgotten_{};
    counters<log_level_words.size()> log_messages_{};
    counters<login_refusal_words.size()> refused_logins_{};
};

} // namespace kallglot

#endif
