/// Whether the API may be asked at all: pauses, probes and ramps.
///
/// A small state machine without I/O. A 429 stops everything until the API said; a refused key or spent
/// credits let one probe a minute pass; an API that cannot be reached is probed with full jitter and growing
/// steps. What comes back comes back gently: from a tenth of what is wanted, over half a minute. One
/// session's failure is no failure of the API: it delays only that session (poll_schedule).

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
    starting,
    ok,
    throttled,
    unauthorized,
    out_of_credits,
    unreachable
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

/// One failed exchange, as far as the API's health goes.
struct api_failure {
    failure_reason reason = failure_reason::other;
    int http_status = 0;
    /// How long the API asked us to wait, by its own clock; also of a 409.
    std::optional<steady_duration> retry_after;
    bool key_at_fault = false; ///< a 403 with an organization or permission code
    session_slot slot = no_slot;
};

/// Loop only.
class api_health {
public:
    /// `seed` makes the jitter; two daemons must not share one.
    api_health(steady_time now, std::uint64_t seed) noexcept;

    /// An answer that proves the key and the API to be good: 200, 404 or 410.
    void on_success(steady_time now) noexcept;
    void on_failure(const api_failure& failure, steady_time now) noexcept;

    /// Another key is in use: the next request may try it at once.
    void on_key_changed(steady_time now) noexcept;

    /// When the next request may go: `now` or earlier if at once. If it goes, tell on_sent. While a probe is
    /// under way that is a minute after it, so that a probe nobody hears of again ends nothing.
    [[nodiscard]] steady_time next_request(steady_time now) const noexcept;
    void on_sent(steady_time now) noexcept;

    /// What was sent at `sent` met a connection that the API had closed, and is to be sent again at once: if it was the
    /// probe, nothing was heard of yet.
    void on_retry(steady_time sent, steady_time now) noexcept;

    /// Requests a second while only probes may go, by the longest wait between two; infinity when all may go.
    [[nodiscard]] double probe_rate() const noexcept;

    /// The part of the wanted rate that may be used now: 0.1 to 1.
    [[nodiscard]] double ramp(steady_time now) const noexcept;

    [[nodiscard]] api_state state() const noexcept { return state_; }

    /// Did the last exchange prove the API usable with our key? Empty before the first exchange.
    [[nodiscard]] std::optional<bool> up() const noexcept { return up_; }

    /// Until when everything waits after a 429; no_time when not paused.
    [[nodiscard]] steady_time paused_until(steady_time now) const noexcept {
        return now < paused_until_ ? paused_until_ : no_time;
    }

private:
    void recover(steady_time now) noexcept;
    void pause(std::optional<steady_duration> retry_after, steady_time now) noexcept;
    void suspend(api_state state, steady_time now) noexcept;
    /// The API answered, though neither with a session nor with an error of its own.
    void on_answer(steady_time now) noexcept;
    void on_trouble(bool probe, steady_time now) noexcept;

    [[nodiscard]] bool is_key_refused() const noexcept {
        return state_ == api_state::unauthorized || state_ == api_state::out_of_credits;
    }

    [[nodiscard]] bool is_probing() const noexcept {
        return is_key_refused() || state_ == api_state::unreachable;
    }

    [[nodiscard]] steady_duration longest_step() const noexcept;

    /// 0 to 1, evenly.
    [[nodiscard]] double random() noexcept;

    api_state state_ = api_state::starting;
    std::optional<bool> up_;
    steady_time paused_until_ = no_time;
    steady_time next_probe_ = no_time;
    bool probe_under_way_ = false;
    bool probed_ = false; ///< a probe was sent since the key was refused
    steady_time ramp_from_ = no_time;
    steady_time last_success_;
    unsigned failures_in_a_row_ = 0;
    unsigned backoff_step_ = 0;
    std::array<session_slot, 3> refused_{no_slot, no_slot, no_slot}; ///< sessions that answered 403
    std::uint64_t random_state_;
};

} // namespace kallglot

#endif
