/// A report in which everything is known and no two numbers are equal by accident.

#ifndef KALLGLOT_METRICS_SAMPLE_REPORT_HPP
#define KALLGLOT_METRICS_SAMPLE_REPORT_HPP

#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/ports/daemon_report.hpp"

namespace kallglot::test {

inline constexpr build_details sample_build = {"1.2.3", "abcdef012345", "Clang 19.1.7"};

/// 18 sessions, two of them stuck in connecting; the whole snapshot filled.
[[nodiscard]] daemon_report make_full_report();

/// The same sessions, and a daemon that knows nothing yet.
[[nodiscard]] daemon_report make_young_report();

/// Every event once at least.
void move_everything(daemon_metrics& metrics);

} // namespace kallglot::test

#endif
