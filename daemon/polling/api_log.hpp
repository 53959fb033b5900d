/// What the log says about the API: each change of its state, and answers that cannot be used.
///
/// There is no line for each poll: during an outage thousands of them fail. A change of state is one line with the reason
/// of the newest failure. Kinds of unusable answers that a gateway or cache may add to every answer are one line an hour.

#ifndef KALLGLOT_POLLING_API_LOG_HPP
#define KALLGLOT_POLLING_API_LOG_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/log_throttle.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/polling/api_health.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/ports/logger.hpp"
#include "polling/answer_age.hpp"

#include <chrono>
#include <map>
#include <string>

namespace kallglot {

/// Loop only. Lifetime: the logger outlives it.
class api_log {
public:
    explicit api_log(logger& log) noexcept : log_(log) {}

    /// A request failed. Its reason is in the line of the next change of state.
    void note_failure(const api_answer& answer);

    /// An answer came out of a cache.
    void note_stored(const answer_age& age, steady_time now);

    /// Logs the state if it has changed since the last call.
    void note_state(api_state state);

    /// The newest failure in words: no part of a body, no secret.
    [[nodiscard]] const std::string& last_failure() const noexcept { return last_failure_; }

private:
    logger& log_;
    std::string last_failure_;
    api_state state_ = api_state::starting;
    log_throttle stored_{std::chrono::hours(1)};
    std::map<errc, log_throttle> refused_; ///< one for each kind
};

} // namespace kallglot

#endif
