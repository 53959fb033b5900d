/// The verdict of the status page: whether anything is wrong, in one sentence.
///
/// A pure function of a report, so that each sentence is tested without a page. An unusable API comes before stuck
/// sessions, because without polls their states are outdated.

#ifndef KALLGLOT_WEB_VERDICT_HPP
#define KALLGLOT_WEB_VERDICT_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/daemon_control.hpp"

#include <cstdint>
#include <string>

namespace kallglot {

enum class tone : std::uint8_t { good, warning, bad };

[[nodiscard]] std::string_view to_string(tone value) noexcept;

struct verdict {
    kallglot::tone tone = kallglot::tone::good;
    std::string headline; ///< one sentence without a full stop
    std::string detail;   ///< sentences; may be empty
};

/// `report` is null before the restore. The texts contain no values from outside except counts.
[[nodiscard]] verdict judge(const readiness& state, const daemon_report* report);

/// Number of stuck sessions.
[[nodiscard]] std::uint64_t count_stuck(const census& counted) noexcept;

/// `45 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`; times below a second as `0.3 s`, none and negative ones as `0 s`.
[[nodiscard]] std::string describe_duration(double length_seconds);

/// A count with thousands separators: `1,234,567`.
[[nodiscard]] std::string describe_count(std::uint64_t count);

} // namespace kallglot

#endif
