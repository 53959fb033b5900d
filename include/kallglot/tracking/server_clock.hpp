/// The API's clock, derived from the `Date` of its answers.
///
/// Timestamps, reset times and Retry-After dates are wall times of the API's clock. The daemon compares them with that
/// clock only. So this machine's clock can be wrong or jump without an effect on an age, a pause or a budget.

#ifndef KALLGLOT_TRACKING_SERVER_CLOCK_HPP
#define KALLGLOT_TRACKING_SERVER_CLOCK_HPP

#include "kallglot/base/time.hpp"

#include <optional>

namespace kallglot {

/// Loop only.
class server_clock {
public:
    /// Takes the `Date` of an answer that arrived at `received`.
    void note(api_time date, steady_time received) noexcept {
        date_ = date;
        received_ = received;
    }

    /// The API's time at `at`; empty before the first `Date`. Late by less than a second and the time in flight.
    [[nodiscard]] std::optional<api_time> at(steady_time at) const noexcept {
        if (!date_) {
            return std::nullopt;
        }
        return *date_ + std::chrono::duration_cast<milliseconds>(at - received_);
    }

private:
    std::optional<api_time> date_;
    steady_time received_{};
};

} // namespace kallglot

#endif
