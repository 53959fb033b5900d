#include "polling/request_budget.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

constexpr double no_limit = std::numeric_limits<double>::infinity();

/// Without headers the budget guesses: 60 requests a minute at first, a tenth more each minute.
constexpr double first_guess = 1.0;
constexpr double guess_growth_a_minute = 1.1;
constexpr double min_guess = 1.0 / 60;

/// Resets and dates are whole seconds, each rounded in a way that the API does not document.
constexpr steady_duration reset_tolerance = 1s;

constexpr std::chrono::hours max_window = 24h;

/// The loop wakes up in whole milliseconds. The pace makes up for lateness up to this.
constexpr steady_duration pace_slack = 5ms;

// Ignores resets more than a day ahead: no window is that long.
std::optional<api_time> believable_reset(std::optional<api_time> reset,
                                         std::optional<api_time> api_now) noexcept {
    return reset && api_now && *reset > *api_now + max_window ? std::nullopt : reset;
}

} // namespace

request_budget::request_budget(budget_settings settings, steady_time now) noexcept
    : settings_(settings),
      guess_base_(first_guess),
      guess_from_(now) {}

void request_budget::on_sent(steady_time now, double rate) noexcept {
    // The pace continues from the moment the request was allowed, so that late wake-ups do not add up. After a longer
    // idle time it continues from now, less a slack: unused requests are not saved up.
    const steady_time allowed_at = next_request(rate);
    last_sent_ = last_sent_ == no_time ? now : std::clamp(allowed_at, now - pace_slack, now);
    // Until the first header the window is not known; remember what it will have counted.
    if (!window_) {
        ++ours_so_far_;
        return;
    }
    ++window_->ours;
    ++window_->sent_since;
    // The next window begins about now. The API may count this request in it before its headers say so.
    if (now >= window_->reset_at - reset_tolerance) {
        ++window_->ours_next;
    }
}

void request_budget::on_headers(const response_headers& headers,
                                std::optional<api_time> api_now,
                                steady_time now) noexcept {
    // A limit of 0 is a mistake of the API: it would stop all polling for no reason.
    if (!headers.rate_limit || *headers.rate_limit == 0) {
        return;
    }
    const std::optional<api_time> reset = believable_reset(headers.rate_reset, api_now);
    // The API may send a `remaining` above the limit; then nothing counts as used.
    const std::uint32_t used =
        *headers.rate_limit
        - std::min(headers.rate_remaining.value_or(*headers.rate_limit), *headers.rate_limit);
    // Answers can overtake each other: an old one must not replace newer numbers.
    if (window_ && is_of_older_window(reset, api_now, now)) {
        return;
    }
    // A new window starts with other counts of our own requests.
    if (!window_ || begins_window(reset, used, now)) {
        begin_window(reset, used, now);
    }
    window& seen = *window_;
    seen.limit = *headers.rate_limit;
    seen.remaining = seen.limit - used;
    // `remaining` is fresh: only requests sent after this answer are subtracted from it.
    seen.sent_since = 0;
    if (reset) {
        seen.reset = reset;
    }
    if (reset && api_now) {
        const auto left = std::max<milliseconds>(*reset - *api_now, 0ms);
        seen.reset_at = now + left;
        // The rest of a window is a lower bound of its length; both times are whole seconds.
        if (left > window_length_ + reset_tolerance) {
            window_length_ = std::chrono::ceil<seconds>(left);
        }
    }
    // What was used beyond our own requests was used by others on the same key.
    const std::uint64_t foreign = used > seen.ours ? used - seen.ours : 0;
    // Only growth is added, so that the total never falls.
    if (foreign > seen.foreign) {
        foreign_total_ += foreign - seen.foreign;
        seen.foreign = foreign;
    }
}

void request_budget::on_throttled(steady_time sent, steady_time now) noexcept {
    // The 429 answers a request that was sent at the former rate: the guess was halved for it already.
    if (sent < guess_from_) {
        return;
    }
    // The rate that was too much: the guess, as far as max_rate let it be used.
    const double spent = std::min(guess(now), settings_.max_rate.per_second);
    // The guess starts again from half of it, and grows from now on.
    guess_base_ = std::max(spent / 2, min_guess);
    guess_from_ = now;
}

double request_budget::allowed(steady_time now) const noexcept {
    const double max_rate = settings_.max_rate.per_second;
    switch (settings_.rate_limit.mode) {
        case rate_limit_mode::unlimited:
            return max_rate;
        case rate_limit_mode::fixed:
            return std::min(max_rate, settings_.rate_limit.fixed_rate.per_second);
        // Headers if there are any, else the guess; max_rate bounds both.
        case rate_limit_mode::automatic:
            break;
    }
    return std::min(max_rate, window_ ? from_window(*window_, now) : guess(now));
}

steady_time request_budget::next_request(double rate) const noexcept {
    // Only a change of the rate can allow a request, and the caller asks again after that.
    if (rate <= 0) {
        return steady_time::max();
    }
    if (last_sent_ == no_time || rate == no_limit) {
        return last_sent_;
    }
    // Evenly spread: the next request follows one interval after the last.
    return last_sent_ + from_seconds(1 / rate);
}

double request_budget::from_window(const window& seen, steady_time now) const noexcept {
    const double limit = seen.limit;
    // Our share, spread over the whole window.
    const double steady = settings_.share * limit / to_seconds(window_length_);
    const double left = to_seconds(seen.reset_at - now);
    // Without a known end, or behind it, the share is all that is known.
    if (!seen.reset || left <= 0) {
        return steady;
    }
    const double remaining =
        seen.remaining > seen.sent_since ? seen.remaining - seen.sent_since : 0.0;
    // The unused part of the others' share stays reserved for them until the window ends.
    const double theirs = (1 - settings_.share) * limit * left / to_seconds(window_length_);
    // Never faster than the share: what others leave unused is not spent by us.
    return std::clamp((remaining - theirs) / left, 0.0, steady);
}

double request_budget::guess(steady_time now) const noexcept {
    // Bounded at 600 minutes, so that the power stays finite.
    const double minutes = to_seconds(now - guess_from_) / 60;
    return guess_base_ * std::pow(guess_growth_a_minute, std::min(minutes, 600.0));
}

bool request_budget::is_of_older_window(std::optional<api_time> reset,
                                        std::optional<api_time> api_now,
                                        steady_time now) const noexcept {
    // A reset that is still ahead belongs to the running window, even if another answer gave a different end.
    const bool ahead = reset && api_now && *reset > *api_now + reset_tolerance;
    return reset && window_->reset && *reset < *window_->reset - reset_tolerance
           && now < window_->reset_at && !ahead;
}

bool request_budget::begins_window(std::optional<api_time> reset,
                                   std::uint32_t used,
                                   steady_time now) const noexcept {
    // Without reset times, a new window shows as a drop of the used requests. Answers that overtake each other cause
    // small drops, so only a drop by half counts.
    const std::uint32_t used_before = window_->limit - window_->remaining;
    if (!reset || !window_->reset) {
        return 2 * std::uint64_t{used} < used_before;
    }
    // A reset that moves a little with each answer, or is rounded up and down, is the same window.
    const bool later = *reset > *window_->reset + reset_tolerance;
    return later && (now >= window_->reset_at - reset_tolerance || used < used_before);
}

void request_budget::begin_window(std::optional<api_time> reset,
                                  std::uint32_t used,
                                  steady_time now) noexcept {
    window next;
    // Until an answer gives the end, assume a full window from now.
    next.reset_at = now + window_length_;
    if (!window_) {
        // The first window seen: everything sent so far may have been counted in it.
        next.ours = ours_so_far_;
    } else if (reset && window_->reset && now >= window_->reset_at - reset_tolerance) {
        // The former window ended as expected: some of our last requests may already belong to this one.
        next.ours = window_->ours_next;
        // Only adjacent windows show their length. With idle windows in between, the distance is an upper bound. It
        // corrects a length that a single answer had made too long, for example one with a wrong Date.
        const auto between =
            std::clamp<seconds>(std::chrono::round<seconds>(*reset - *window_->reset),
                                1s,
                                max_window);
        if (now - window_->reset_at < between / 2) {
            window_length_ = learned_length_ = between;
        } else {
            window_length_ = std::min(window_length_, std::max(between, learned_length_));
        }
    } else {
        // The window ended early. It is not known which client used its requests, so all of them count as ours.
        next.ours = used;
    }
    window_ = next;
}

} // namespace kallglot
