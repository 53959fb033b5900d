/// Health of the API: a state machine that decides on pauses, probes and ramps.
///
/// No I/O. A 429 stops all requests for the time that the API asks for. While the key is rejected or credits are used
/// up, one probe a minute is sent. An unreachable API is probed with full jitter and growing steps. After a recovery
/// the rate rises over half a minute, from a tenth of the demand. A failure of one session does not count against the
/// API: it delays only that session (poll_schedule).

#ifndef KALLGLOT_POLLING_API_HEALTH_HPP
#define KALLGLOT_POLLING_API_HEALTH_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// Label values of kallglot_exporter_api_state.
enum class api_state : std::uint8_t {
    starting,       ///< no exchange so far; requests are sent at the full rate
    ok,             ///< usable; a ramp may still be rising
    throttled,      ///< a 429 pauses all requests
    unauthorized,   ///< the key is rejected: one probe a minute
    out_of_credits, ///< the account has no credits: one probe a minute
    unreachable,    ///< no answer: probes with growing steps
};

inline constexpr auto api_state_words = make_vocabulary<api_state>({
    {api_state::starting, "starting"},
    {api_state::ok, "ok"},
    {api_state::throttled, "throttled"},
    {api_state::unauthorized, "unauthorized"},
    {api_state::out_of_credits, "out_of_credits"},
    {api_state::unreachable, "unreachable"},
});
inline constexpr std::size_t api_state_count = api_state_words.size();

[[nodiscard]] constexpr std::string_view to_string(api_state value) noexcept {
    return api_state_words.text_of(value);
}

/// The facts of a failed exchange that matter for the API's health.
struct api_failure {
    failure_reason reason = failure_reason::other;
    int http_status = 0;
    /// The wait that the API asked for, by its own clock; also of a 409.
    std::optional<steady_duration> retry_after;
    bool key_at_fault = false; ///< a 403 with an organization or permission code
    session_slot slot = no_slot;
};

/// Loop only.
class api_health {
public:
    /// `seed` determines the jitter; two daemons must have different ones.
    api_health(steady_time now, std::uint64_t seed) noexcept;

    /// Takes an answer that proves key and API good: 200, 404 or 410.
    void on_success(steady_time now) noexcept;
    void on_failure(const api_failure& failure, steady_time now) noexcept;

    /// Another key is in use: a probe may try it at once.
    void on_key_changed(steady_time now) noexcept;

    /// When the next request may be sent; `now` or earlier means at once. Call on_sent() for a request that is sent.
    /// While a probe is in flight this is a minute after it, so that a lost probe does not end the probing.
    [[nodiscard]] steady_time next_request(steady_time now) const noexcept;
    void on_sent(steady_time now) noexcept;

    /// A request sent at `sent` found a connection that the API had closed, and is retried at once. If it was the
    /// probe, the probe has had no answer yet and may be sent again.
    void on_retry(steady_time sent, steady_time now) noexcept;

    /// Rate of probes in requests a second, by the longest wait between two; infinity while all requests may be sent.
    [[nodiscard]] double probe_rate() const noexcept;

    /// The part of the demand that may be used now: 0.1 to 1.
    [[nodiscard]] double ramp(steady_time now) const noexcept;

    [[nodiscard]] api_state state() const noexcept { return state_; }

    /// Whether the API is usable with our key: false while the key is rejected, credits are used up, or requests fail
    /// in a row; empty before the first exchange.
    [[nodiscard]] std::optional<bool> up() const noexcept { return up_; }

    /// End of the pause after a 429; no_time when not paused.
    [[nodiscard]] steady_time paused_until(steady_time now) const noexcept {
        return now < paused_until_ ? paused_until_ : no_time;
    }

private:
    void recover(steady_time now) noexcept;
    void pause(std::optional<steady_duration> retry_after, steady_time now) noexcept;
    void suspend(api_state state, steady_time now) noexcept;
    /// The API answered, with an error that concerns one session only.
    void on_answer(steady_time now) noexcept;
    void on_trouble(bool probe, steady_time now) noexcept;

    [[nodiscard]] bool is_key_rejected() const noexcept {
        return state_ == api_state::unauthorized || state_ == api_state::out_of_credits;
    }

    [[nodiscard]] bool is_probing() const noexcept {
        return is_key_rejected() || state_ == api_state::unreachable;
    }

    [[nodiscard]] steady_duration max_step() const noexcept;

    /// A random number from 0 to 1, evenly distributed.
    [[nodiscard]] double random() noexcept;

    api_state state_ = api_state::starting;
    std::optional<bool> up_;
    steady_time paused_until_ = no_time;
    steady_time next_probe_ = no_time;
    bool probe_in_flight_ = false;
    bool probed_ = false; ///< a probe was sent since the key was rejected
    steady_time ramp_from_ = no_time;
    steady_time last_success_;
    unsigned failures_in_a_row_ = 0;
    unsigned backoff_step_ = 0;
    std::array<session_slot, 3> rejected_sessions_{no_slot,
                                                   no_slot,
                                                   no_slot}; ///< sessions that answered 403
    std::uint64_t random_state_;
};

} // namespace kallglot

#endif
