#include "kallglot/polling/api_health.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

// A 429 without Retry-After pauses for this long.
constexpr steady_duration default_pause = 30s;
constexpr steady_duration min_pause = 1s;
constexpr steady_duration max_pause = 1h;
constexpr steady_duration max_pause_jitter = 5s;
// While the key or the credits are the problem, one request a minute looks for a change.
constexpr steady_duration probe_interval = 60s;
constexpr steady_duration max_backoff = 60s;
// The API counts as unreachable after this many failures in a row and this long without success: a burst of
// failures within one lost connection does not.
constexpr steady_duration unreachable_after = 5s;
constexpr unsigned failures_until_unreachable = 5;
// After an outage the rate rises from a tenth to all within this time.
constexpr steady_duration ramp_length = 30s;
constexpr double ramp_start = 0.1;

} // namespace

api_health::api_health(steady_time now, std::uint64_t seed) noexcept
    : last_success_(now),
      random_state_(seed) {}

void api_health::on_success(steady_time now) noexcept {
    // Three sessions answered 403, but this one answers: the key itself is good.
    const bool cleared = rejected_sessions_.back() != no_slot;
    last_success_ = now;
    // Any success ends a series of failures.
    failures_in_a_row_ = 0;
    rejected_sessions_.fill(no_slot);
    // The answer may be older than the rejection of the key. Only a probe proves the key good again.
    if (is_key_rejected() && !probed_ && !cleared) {
        return;
    }
    up_ = true;
    // Answers to requests that were in flight at the 429 do not end its pause.
    if (now < paused_until_) {
        return;
    }
    // The probe was answered: leave the outage through a ramp.
    if (is_probing()) {
        recover(now);
    }
    state_ = api_state::ok;
}

void api_health::on_failure(const api_failure& failure, steady_time now) noexcept {
    const bool probe = std::exchange(probe_in_flight_, false);
    if (failure.http_status == 429 || (failure.http_status == 409 && failure.retry_after)) {
        // The API is reachable and asks for fewer requests. This says nothing against the key.
        if (state_ == api_state::unreachable) {
            recover(now);
        }
        up_ = !is_key_rejected();
        pause(failure.retry_after, now);
        return;
    }
    if (failure.http_status == 403 && !failure.key_at_fault) {
        // One session may belong to another account. Three different ones mean that the key is rejected.
        const auto end = rejected_sessions_.end();
        const auto place = std::find_if(rejected_sessions_.begin(), end, [&](session_slot slot) {
            return slot == failure.slot || slot == no_slot;
        });
        if (place != end) {
            *place = failure.slot;
        }
        // The list has three places; the last one is filled by the third session.
        if (rejected_sessions_.back() != no_slot) {
            suspend(api_state::unauthorized, now);
        } else {
            on_answer(now);
        }
        return;
    }
    // What is left falls into three kinds: the account, the connection or the server, and this session alone.
    switch (failure.reason) {
        case failure_reason::unauthorized:
            suspend(api_state::unauthorized, now);
            return;
        case failure_reason::credits:
            suspend(api_state::out_of_credits, now);
            return;
        case failure_reason::dns:
        case failure_reason::connect:
        case failure_reason::tls:
        case failure_reason::timeout:
        case failure_reason::reset:
        case failure_reason::server:
        case failure_reason::redirect:
        case failure_reason::body:
            on_trouble(probe, now);
            return;
        case failure_reason::throttled:
        case failure_reason::not_found:
        case failure_reason::other:
            on_answer(now);
            return;
    }
}

void api_health::on_key_changed(steady_time now) noexcept {
    if (is_key_rejected()) {
        // The operator replaced the key: find out at once whether it works.
        next_probe_ = now;
    }
}

steady_time api_health::next_request(steady_time now) const noexcept {
    if (now < paused_until_) {
        return paused_until_;
    }
    return is_probing() ? std::max(now, next_probe_) : now;
}

void api_health::on_sent(steady_time now) noexcept {
    if (is_probing()) {
        probe_in_flight_ = true;
        probed_ = true;
        // The next probe follows in a minute, even if this one gets no answer at all.
        next_probe_ = now + probe_interval;
    }
}

void api_health::on_retry(steady_time sent, steady_time now) noexcept {
    // Only for the probe itself: an older request may be retried while a probe is in flight.
    if (is_probing() && probe_in_flight_ && sent >= next_probe_ - probe_interval) {
        probe_in_flight_ = false;
        next_probe_ = now;
    }
}

double api_health::probe_rate() const noexcept {
    if (!is_probing()) {
        return std::numeric_limits<double>::infinity();
    }
    // For the status page and metrics: the slowest rate at which probes leave.
    return 1 / to_seconds(is_key_rejected() ? probe_interval : max_step());
}

double api_health::ramp(steady_time now) const noexcept {
    if (ramp_from_ == no_time || now >= ramp_from_ + ramp_length) {
        return 1;
    }
    // The ramp may begin in the future, at the end of a pause: then it stands at its start.
    const steady_duration climbed = std::max(now - ramp_from_, steady_duration::zero());
    return ramp_start + (1 - ramp_start) * to_seconds(climbed) / to_seconds(ramp_length);
}

void api_health::recover(steady_time now) noexcept {
    state_ = api_state::ok;
    ramp_from_ = now;
    backoff_step_ = 0;
    probe_in_flight_ = false;
}

void api_health::pause(std::optional<steady_duration> retry_after, steady_time now) noexcept {
    const steady_duration asked =
        std::clamp(retry_after.value_or(default_pause), min_pause, max_pause);
    // Daemons that share an account must not all return at the same moment.
    const steady_duration jitter =
        from_seconds(random() * to_seconds(std::min(asked / 10, max_pause_jitter)));
    // A second 429 can only prolong the pause.
    paused_until_ = std::max(paused_until_, now + asked + jitter);
    // The ramp begins with the first request after the pause, not with its answer.
    ramp_from_ = paused_until_;
    // A stronger reason than throttling stays the reported state.
    if (!is_probing()) {
        state_ = api_state::throttled;
    }
}

void api_health::suspend(api_state state, steady_time now) noexcept {
    up_ = false;
    // Late answers of the same kind must not postpone the probe.
    if (state_ != state || next_probe_ <= now) {
        next_probe_ = now + probe_interval;
    }
    // A new kind of rejection: the probes for the former one prove nothing.
    if (state_ != state) {
        probed_ = false;
    }
    state_ = state;
}

void api_health::on_answer(steady_time now) noexcept {
    // Any answer proves that the API is reachable, so the probing ends.
    if (state_ == api_state::unreachable) {
        recover(now);
    }
}

void api_health::on_trouble(bool probe, steady_time now) noexcept {
    ++failures_in_a_row_;
    // A failed probe only makes the next step longer.
    const bool probe_failed = state_ == api_state::unreachable && probe;
    // A rejected key stays the reported state until a probe proves it good: it is what the operator must fix.
    const bool gives_up = failures_in_a_row_ >= failures_until_unreachable
                          && now - last_success_ >= unreachable_after && !is_probing();
    if (!probe_failed && !gives_up) {
        return;
    }
    up_ = false;
    state_ = api_state::unreachable;
    // Full jitter: anything from 0 to the step's length, so that daemons do not return together.
    // Bounded, so that the shift in max_step() stays within its type.
    backoff_step_ = std::min(backoff_step_ + 1, 16U);
    next_probe_ = now + from_seconds(random() * to_seconds(max_step()));
}

steady_duration api_health::max_step() const noexcept {
    return std::min<steady_duration>(max_backoff, 1s * (1U << backoff_step_));
}

double api_health::random() noexcept {
    // splitmix64 (Steele, Lea, Flood 2014): good enough for jitter, and the same on every machine.
    random_state_ += 0x9E37'79B9'7F4A'7C15;
    std::uint64_t z = random_state_;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1p-53;
}

} // namespace kallglot
