/// Do webhooks flow? Decides whether polls may leave starts and ends to webhooks.
///
/// Counts which of the two was first to tell of each start and end of the last 15 minutes. A webhook takes a moment
/// to be delivered, so a poll that was quicker says nothing against it: what the webhook tells within a few
/// seconds counts as its own, else a daemon that polls fast would never learn that it need not. What no webhook
/// tells within two minutes was missed. Pure; knows neither records nor HTTP.

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

/// The two changes that a webhook should tell of.
enum class told_change : std::uint8_t { start, end };

/// Loop only.
class webhook_flow {
public:
    /// A webhook told of the change before any poll.
    void told_first(steady_time now);

    /// A poll saw the change before any webhook told of it.
    void seen_first(session_slot slot, told_change change, steady_time now);

    /// A webhook told of a change that a poll had seen before.
    void told_after(session_slot slot, told_change change, steady_time now);

    /// At least 99 % of the starts and ends of the last 15 minutes, 20 or more, came by webhook.
    [[nodiscard]] bool flows(steady_time now);

    /// Changes that no webhook told within two minutes:
    /// kallglot_exporter_webhook_missed_transitions_total. Up to date after flows().
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

private:
    /// A change that a poll saw first, until its webhook comes or two minutes have passed.
    struct open_case {
        steady_time seen = no_time;
        bool counted = false; ///< as the poll's
    };

    using case_key = std::uint64_t; ///< slot and change

    struct deadline {
        steady_time seen = no_time;
        case_key key = 0;
    };

    [[nodiscard]] static case_key key_of(session_slot slot, told_change change) noexcept {
        return std::uint64_t{index_of(slot)} * 2 + static_cast<std::uint64_t>(change);
    }

    void close_cases(steady_time now);

    struct minute {
        std::int64_t number = -1; ///< minutes of the steady clock; another one: out of date
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
