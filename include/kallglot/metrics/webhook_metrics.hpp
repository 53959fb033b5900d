/// The metrics of the webhook listener. They exist only if the listener is enabled.

#ifndef KALLGLOT_METRICS_WEBHOOK_METRICS_HPP
#define KALLGLOT_METRICS_WEBHOOK_METRICS_HPP

#include "kallglot/api/webhook_event.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "metrics/instrument_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kallglot {

/// The label of kallglot_exporter_webhook_requests_total.
enum class webhook_result : std::uint8_t {
    accepted,
    duplicate,
    outdated,
    signature,
    timestamp,
    malformed,
    too_large,
    overload,
    refused ///< wrong path, method, expectation or framing
};
inline constexpr auto webhook_result_words = make_vocabulary<webhook_result>({
    {webhook_result::accepted, "accepted"},
    {webhook_result::duplicate, "duplicate"},
    {webhook_result::outdated, "outdated"},
    {webhook_result::signature, "signature"},
    {webhook_result::timestamp, "timestamp"},
    {webhook_result::malformed, "malformed"},
    {webhook_result::too_large, "too_large"},
    {webhook_result::overload, "overload"},
    {webhook_result::refused, "refused"},
});

/// Loop only. Lifetime: `table` outlives this object.
class webhook_metrics {
public:
    explicit webhook_metrics(instrument_table& table);

    /// Counts a request by its result, and an accepted event by its type.
    void request(webhook_result result) noexcept;
    void event(webhook_type type) noexcept;

    void delivery_delay(steady_duration delay) { delay_.Observe(to_seconds(delay)); }

    /// Records the wall-clock time of the last accepted event.
    void accepted_at(api_time now) noexcept { last_event_ = now; }

    [[nodiscard]] std::optional<api_time> last_event() const noexcept { return last_event_; }

    void report(gauge_sink& gauges) const {
        if (last_event_) {
            gauges.set(metric::webhook_last_event, unix_seconds(*last_event_));
        }
    }

    /// Sets the total of starts and ends that a poll observed and no webhook reported.
    void missed(std::uint64_t total);

private:
    std::array<prometheus::Counter*, webhook_result_words.size()> requests_{};
    std::array<prometheus::Counter*, webhook_type_words.size()> events_{};
    prometheus::Counter& missed_;
    prometheus::Histogram& delay_;
    std::optional<api_time> last_event_;
};

} // namespace kallglot

#endif
