/// What a person on call is told first: is anything wrong, in one sentence.
///
/// A pure function of a report, so that each sentence is tested without a page. What makes sessions unjudgeable
/// comes before what they look like: a stuck session that cannot be polled is a memory.

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
    std::string headline; ///< a sentence without its full stop
    std::string detail;   ///< sentences; may be empty
};

/// `report` is null while the daemon has nothing to count yet. The texts hold nothing from outside but counts.
[[nodiscard]] verdict judge(const readiness& state, const daemon_report* report);

/// All sessions that are stuck.
[[nodiscard]] std::uint64_t count_stuck(const census& counted) noexcept;

/// `45 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`; times below a second as `0.3 s`, negative ones as `0 s`.
[[nodiscard]] std::string describe_duration(double length_seconds);

/// `1,234,567`.
[[nodiscard]] std::string describe_count(std::uint64_t count);

} // namespace kallglot

#endif
