/// Decides whether webhooks report starts and ends reliably, so that polls can be rare.
///
/// Counts which was first for each start and end of the last 15 minutes: a webhook or a poll. Delivery takes a
/// moment. So a webhook within a few seconds after the poll counts as first; otherwise fast polling would always look
/// better. A change without a webhook within two minutes counts as missed. Pure; knows neither records nor HTTP.

#ifndef KALLGLOT_TRACKING_WEBHOOK_FLOW_HPP
#define KALLGLOT_TRACKING_WEBHOOK_FLOW_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace kallglot {

/// The two changes that webhooks must report.
enum class reported_change : std::uint8_t { start, end };

/// Loop only.
class webhook_flow {
public:
    /// A webhook reported the change before any poll.
    void reported_first(steady_time now);

    /// A poll saw the change before any webhook reported it.
    void seen_first(session_slot slot, reported_change change, steady_time now);

    /// A webhook reported a change that a poll had seen before.
    void reported_after(session_slot slot, reported_change change, steady_time now);

    /// True if webhooks reported at least 99 % of the starts and ends of the last 15 minutes first, of at least 20.
    [[nodiscard]] bool flows(steady_time now);

    /// Changes without a webhook within two minutes:
    /// kallglot_exporter_webhook_missed_transitions_total. Up to date after flows().
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

private:
    /// A change that a poll saw first. Open until its webhook arrives or two minutes have passed.
    struct open_case {
        steady_time seen = no_time;
        bool counted = false; ///< already counted for the poll
    };

    using case_key = std::uint64_t; ///< slot and change

    struct deadline {
        steady_time seen = no_time;
        case_key key = 0;
    };

    [[nodiscard]] static case_key key_of(session_slot slot, reported_change change) noexcept {
        return std::uint64_t{index_of(slot)} * 2 + static_cast<std::uint64_t>(change);
    }

    void close_cases(steady_time now);

    struct minute {
        std::int64_t number = -1; ///< of the steady clock; another number: counts are out of date
        std::uint32_t by_webhook = 0;
        std::uint32_t by_poll = 0;
    };

    static constexpr std::size_t window_minutes = 15;

    [[nodiscard]] minute& minute_of(steady_time at);

    std::array<minute, window_minutes> minutes_;
    boost::unordered_flat_map<case_key, open_case> open_;
    std::deque<deadline> to_count_; ///< oldest first, like the next
    std::deque<deadline> to_miss_;
    std::uint64_t missed_ = 0;
};

} // namespace kallglot

#endif
