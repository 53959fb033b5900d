/// The page `/episodes`: whether it gets worse, what they have in common, how many there were an hour; the open stuck episodes,
/// and those of the last 72 hours. Pure; every value
/// from outside is escaped.

#ifndef KALLGLOT_WEB_EPISODES_PAGE_HPP
#define KALLGLOT_WEB_EPISODES_PAGE_HPP

#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "web/page_writer.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

inline constexpr std::size_t chart_hours = 72;

/// Episodes by the hour in which they were confirmed, the present hour last, and by provider.
using hourly_counts = std::array<std::array<std::uint32_t, session_provider_count>, chart_hours>;

[[nodiscard]] hourly_counts count_by_hour(const std::vector<episode_view>& episodes, api_time now);

/// What began and ended in a span of time. An episode begins with its confirmation.
struct trend_row {
    std::string_view name;
    std::uint32_t began = 0;
    std::uint32_t ended = 0;
};

/// Spans that end now, each followed by one to compare it with.
[[nodiscard]] std::vector<trend_row> count_trend(const std::vector<episode_view>& episodes,
                                                 api_time now);

/// Lifetime: everything it refers to outlives the call.
struct episodes_page_input {
    build_details build;
    std::string_view prefix;
    const std::vector<episode_view>& all; ///< the newest first; for the chart and the counts
    const episode_page& open;
    const episode_page& over; ///< one page of them
    api_time now{};
    steady_duration uptime{}; ///< of the daemon
};

[[nodiscard]] std::string render_episodes_page(const episodes_page_input& shown);

/// A list of episodes: id, status, length, outcome, details.
void put_episodes(page_writer& out, const std::vector<episode_view>& episodes, api_time now);

} // namespace kallglot

#endif
