/// What the configuration means for 10 to 1,000,000 sessions: the plan that `--config.check` prints.
///
/// Arithmetic over the settings, so that an operator sees before the first poll whether the budget fits the number of
/// sessions. The lives it assumes are those of calls of five minutes that take six seconds to set up; how the
/// schedule behaves under shortage is the simulation's to measure (tests/bench). Asks nobody: the account's limit is
/// not known here, so `rate_limit: auto` is planned for a few limits.

#ifndef KALLGLOT_POLLING_POLL_PLAN_HPP
#define KALLGLOT_POLLING_POLL_PLAN_HPP

#include "kallglot/settings/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kallglot {

/// Units: requests a second; seconds; bytes.
struct plan_row {
    std::size_t sessions = 0; ///< tracked at once and not ended
    double wanted = 0;  ///< if every interval is kept, with the first poll of each new session
    double allowed = 0; ///< infinity without limit
    double stretch = 1; ///< of routine intervals
    /// From the creation of a session that never starts until it is counted; infinity: first polls fall behind.
    double worst_detection = 0;
    std::size_t connections_fast =
        0; ///< needed at 100 ms of latency, whatever max_connections allows
    std::size_t connections_slow = 0; ///< at 300 ms
    std::uint64_t memory_bytes = 0;
};

/// The rows for 10, 100, ... 1,000,000 sessions if `allowed` requests a second may be spent.
[[nodiscard]] std::vector<plan_row> make_poll_plan(const settings& values, double allowed);

/// The plan as text for people: a table for each limit that comes into question.
[[nodiscard]] std::string describe_poll_plan(const settings& values);

} // namespace kallglot

#endif
