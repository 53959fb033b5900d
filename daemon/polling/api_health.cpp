#include "kallglot/polling/api_health.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

constexpr steady_duration default_pause = 30s;
constexpr steady_duration shortest_pause = 1s;
constexpr steady_duration longest_pause = 1h;
constexpr steady_duration most_pause_jitter = 5s;
constexpr steady_duration probe_interval = 60s;
constexpr steady_duration longest_backoff = 60s;
constexpr steady_duration patience = 5s;
constexpr unsigned failures_until_unreachable = 5;
constexpr steady_duration ramp_length = 30s;
constexpr double ramp_start = 0.1;

} // namespace

api_health::api_health(steady_time now, std::uint64_t seed) noexcept
    : last_success_(now),
      random_state_(seed) {}

void api_health::on_success(steady_time now) noexcept {
    // Three sessions were refused, but the key is good for another one.
    const bool cleared = refused_.back() != no_slot;
    last_success_ = now;
    failures_in_a_row_ = 0;
    refused_.fill(no_slot);
    // An answer from before the key was refused does not prove it good again: that takes a probe.
    if (is_key_refused() && !probed_ && !cleared) {
        return;
    }
    up_ = true;
    // Answers to what was in flight when the 429 came do not end its pause.
    if (now < paused_until_) {
        return;
    }
    if (is_probing()) {
        recover(now);
    }
    state_ = api_state::ok;
}

void api_health::on_failure(const api_failure& failure, steady_time now) noexcept {
    const bool probe = std::exchange(probe_under_way_, false);
    if (failure.http_status == 429 || (failure.http_status == 409 && failure.retry_after)) {
        // The key works, unless it was refused; the API is there, and wants less of us.
        if (state_ == api_state::unreachable) {
            recover(now);
        }
        up_ = !is_key_refused();
        pause(failure.retry_after, now);
        return;
    }
    if (failure.http_status == 403 && !failure.key_at_fault) {
        // A single session may be somebody else's; three different ones mean the key.
        const auto end = refused_.end();
        const auto place = std::find_if(refused_.begin(), end, [&](session_slot slot) {
            return slot == failure.slot || slot == no_slot;
        });
        if (place != end) {
            *place = failure.slot;
        }
        if (refused_.back() != no_slot) {
            suspend(api_state::unauthorized, now);
        } else {
            on_answer(now);
        }
        return;
    }
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
    if (is_key_refused()) {
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
        probe_under_way_ = true;
        probed_ = true;
        // Whatever the probe meets, and if nothing is ever heard of it, the next one is a minute away.
        next_probe_ = now + probe_interval;
    }
}

void api_health::on_retry(steady_time sent, steady_time now) noexcept {
    if (is_probing() && probe_under_way_ && sent >= next_probe_ - probe_interval) {
        probe_under_way_ = false;
        next_probe_ = now;
    }
}

double api_health::probe_rate() const noexcept {
    if (!is_probing()) {
        return std::numeric_limits<double>::infinity();
    }
    return 1 / to_seconds(is_key_refused() ? probe_interval : longest_step());
}

double api_health::ramp(steady_time now) const noexcept {
    if (ramp_from_ == no_time || now >= ramp_from_ + ramp_length) {
        return 1;
    }
    const steady_duration climbed = std::max(now - ramp_from_, steady_duration::zero());
    return ramp_start + (1 - ramp_start) * to_seconds(climbed) / to_seconds(ramp_length);
}

void api_health::recover(steady_time now) noexcept {
    state_ = api_state::ok;
    ramp_from_ = now;
    backoff_step_ = 0;
    probe_under_way_ = false;
}

void api_health::pause(std::optional<steady_duration> retry_after, steady_time now) noexcept {
    const steady_duration asked =
        std::clamp(retry_after.value_or(default_pause), shortest_pause, longest_pause);
    const steady_duration jitter =
        from_seconds(random() * to_seconds(std::min(asked / 10, most_pause_jitter)));
    paused_until_ = std::max(paused_until_, now + asked + jitter);
    // The ramp begins with the first request after the pause, not with the first answer.
    ramp_from_ = paused_until_;
    if (!is_probing()) {
        state_ = api_state::throttled;
    }
}

void api_health::suspend(api_state state, steady_time now) noexcept {
    up_ = false;
    // Late answers of the same kind do not put the probe off.
    if (state_ != state || next_probe_ <= now) {
        next_probe_ = now + probe_interval;
    }
    if (state_ != state) {
        probed_ = false;
    }
    state_ = state;
}

void api_health::on_answer(steady_time now) noexcept {
    if (state_ == api_state::unreachable) {
        recover(now);
    }
}

void api_health::on_trouble(bool probe, steady_time now) noexcept {
    ++failures_in_a_row_;
    const bool probe_failed = state_ == api_state::unreachable && probe;
    // A refused key stays the trouble that is told until it is good again.
    const bool gives_up = failures_in_a_row_ >= failures_until_unreachable
                          && now - last_success_ >= patience && !is_probing();
    if (!probe_failed && !gives_up) {
        return;
    }
    up_ = false;
    state_ = api_state::unreachable;
    // Full jitter: anything from nothing to the step's length.
    backoff_step_ = std::min(backoff_step_ + 1, 16U);
    next_probe_ = now + from_seconds(random() * to_seconds(longest_step()));
}

steady_duration api_health::longest_step() const noexcept {
    return std::min<steady_duration>(longest_backoff, 1s * (1U << backoff_step_));
}

double api_health::random() noexcept {
    // splitmix64 (Steele, Lea, Flood 2014): enough for jitter, and the same on every machine.
    random_state_ += 0x9E37'79B9'7F4A'7C15;
    std::uint64_t z = random_state_;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1p-53;
}

} // namespace kallglot
