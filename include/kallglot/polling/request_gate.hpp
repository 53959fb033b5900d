/// Gate for all API requests: combines the request budget and the health of the API.
///
/// `permit` returns the right to send one request, or the time to ask again. Nothing else can make a request_permit,
/// and api_client::get consumes one.

#ifndef KALLGLOT_POLLING_REQUEST_GATE_HPP
#define KALLGLOT_POLLING_REQUEST_GATE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/polling/api_health.hpp"
#include "kallglot/polling/request_permit.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "polling/request_budget.hpp"

#include <algorithm>
#include <variant>

namespace kallglot {

/// Loop only.
class request_gate {
public:
    request_gate(request_budget budget, api_health health) noexcept
        : budget_(budget),
          health_(health) {}

    /// One request, or the earliest moment to ask again (steady_time::max(): after the next answer).
    [[nodiscard]] std::variant<request_permit, steady_time> permit(steady_time now) noexcept;

    /// Sets the demand of all intervals, in requests a second. A ramp starts at a tenth of it.
    void use_demand(double requests_per_second) noexcept { demand_ = requests_per_second; }

    /// The request budget now, in requests a second; infinity without limit, 0 while paused.
    [[nodiscard]] double rate(steady_time now) const noexcept;

    [[nodiscard]] request_budget& budget() noexcept { return budget_; }

    [[nodiscard]] const request_budget& budget() const noexcept { return budget_; }

    [[nodiscard]] api_health& health() noexcept { return health_; }

    [[nodiscard]] const api_health& health() const noexcept { return health_; }

    /// Requests a second that can be sent now: rate(), or the rate of probes while the API is not usable.
    [[nodiscard]] double spendable(steady_time now) const noexcept {
        return std::min(rate(now), health_.probe_rate());
    }

    /// `wall_now` is the wall clock at `now`.
    void report(gauge_sink& gauges, steady_time now, api_time wall_now) const;

private:
    request_budget budget_;
    api_health health_;
    double demand_ = 1;
};

} // namespace kallglot

#endif
