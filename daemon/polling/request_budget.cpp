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

/// Requests that look what others leave are sent at this share of the limit.
constexpr double look_share = 1.0 / 40;

/// Of a window: what is free is spent before this last piece of it. There the margin shrinks faster than our share may
/// be spent.
constexpr double last_piece = 1.0 / 40;

/// The longest wait until the rate is looked at again, and the shortest; between them an eighth of what is left of a
/// window.
constexpr steady_duration longest_wait = 500ms;
constexpr steady_duration shortest_wait = 5ms;
constexpr int waits_until_end = 8;

/// Of a window: the longest time without an answer.
constexpr double looks_every = 1.0 / 4;

/// A window that ended as expected leaves this part of `end_slack_`.
constexpr double slack_kept = 0.5;

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
                                steady_time sent,
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
    // An answer that came before the request was written says nothing of the time before.
    const steady_time asked = sent == no_time ? now : sent;
    seen.overdue = seen.overdue || (reset && seen.reset == reset && asked > seen.reset_at);
    // Within a window more is used with each request: an answer that shows less was overtaken by a newer one.
    const bool same_end = reset && seen.reset == reset;
    if (same_end && used < seen.limit - seen.remaining) {
        return;
    }
    seen.limit = *headers.rate_limit;
    seen.remaining = seen.limit - used;
    // `remaining` is fresh: only requests sent after this answer are subtracted from it.
    seen.sent_since = 0;
    seen.counted_at = now;
    if (reset) {
        seen.reset = reset;
    }
    if (reset && api_now) {
        const auto left = std::max<milliseconds>(*reset - *api_now, 0ms);
        // `Date` is a second that has begun, so this end is up to a second late: the earliest one is the best. By more
        // than that, one of the two answers had a wrong Date.
        const steady_time end = now + left;
        seen.reset_at = same_end ? std::clamp(seen.reset_at, end - reset_tolerance, end) : end;
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
    // Without its end a window has no places.
    if (seen.reset) {
        const auto used_by_others = static_cast<double>(seen.foreign);
        const double slack = to_seconds(end_slack_) / to_seconds(window_length_);
        // The API counted at some time after it was asked: what others use from then on is not in the count.
        others_.note(place_in(seen, asked), used_by_others);
        seen.others = others_.rest(place_in(seen, asked), used_by_others, hour_of(seen), slack);
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
    // no_time is before any other moment: the request may go now.
    if (last_sent_ == no_time || rate == no_limit) {
        return last_sent_;
    }
    // Evenly spread: the next request follows one interval after the last.
    return last_sent_ + from_seconds(1 / rate);
}

steady_time request_budget::next_change(steady_time now) const noexcept {
    if (!window_ || !window_->reset || now >= window_->reset_at) {
        return now + longest_wait;
    }
    const steady_duration left = window_->reset_at - now;
    return now + std::clamp(left / waits_until_end, shortest_wait, longest_wait);
}

double request_budget::from_window(const window& seen, steady_time now) const noexcept {
    const double length = to_seconds(window_length_);
    // Our share, spread over the whole window. Never faster: what others leave unused is not spent by us.
    const double steady = settings_.share * seen.limit / length;
    // Without a known end the share is all that is known.
    if (!seen.reset) {
        return steady;
    }
    const double left = to_seconds(seen.reset_at - now);
    if (left <= 0) {
        return behind_end(seen, steady);
    }
    const double remaining =
        seen.remaining > seen.sent_since ? seen.remaining - seen.sent_since : 0.0;
    // The unused part of the others' share stays reserved for them until the window ends.
    const double share = (1 - settings_.share) * seen.limit * left / length;
    if (remaining <= share) {
        return 0;
    }
    // Production first: what others have needed in such a window is left to them, above their share if need be. While they
    // keep to it, chance takes a tenth of ours at most.
    const foreign_use::forecast& others = seen.others;
    const double margin =
        others.expected > share ? others.margin : std::min(others.margin, 0.1 * steady * left);
    const double theirs = others.expected + margin;
    return theirs > share ? beside_others(seen, remaining, theirs, now)
                          : std::min((remaining - share) / left, steady);
}

double request_budget::beside_others(const window& seen,
                                     double remaining,
                                     double theirs,
                                     steady_time now) const noexcept {
    const double length = to_seconds(window_length_);
    const double left = to_seconds(seen.reset_at - now);
    const double steady = settings_.share * seen.limit / length;
    const bool look = may_look(seen, remaining - seen.others.expected, now);
    // As the window ends, each look comes before what is left of it has passed once more.
    const double looks = std::max(look_share * seen.limit / length, 1 / left);
    const double least = look ? std::min(looks, steady) : 0.0;
    // A part of a request cannot be sent.
    if (remaining < theirs + 1) {
        return least;
    }
    const double until = left - last_piece * length;
    if (until <= 0) {
        return steady;
    }
    // The margin shrinks until the end, and what it sets free is spent at once.
    return std::clamp((remaining - theirs) / until + seen.others.release / length, least, steady);
}

double request_budget::behind_end(const window& seen, double steady) const noexcept {
    // The first request shows the next window, so it goes at once.
    if (last_sent_ < seen.reset_at) {
        return steady;
    }
    // Until its answer comes: what others leave of the next window, evenly.
    const double leave = seen.limit - others_.rest(0, 0, hour_of(seen)).to_leave();
    const double evenly = std::max(leave, look_share * seen.limit) / to_seconds(window_length_);
    return std::min(evenly, steady);
}

steady_duration request_budget::slack_after(const window& ended, steady_time now) const noexcept {
    // The window was over when this first answer of the next one came, and perhaps only just before.
    const steady_duration behind = now - ended.reset_at;
    const auto kept = std::chrono::duration_cast<steady_duration>(end_slack_ * slack_kept);
    return std::clamp<steady_duration>(ended.overdue ? behind : std::min(behind, kept),
                                       0s,
                                       reset_tolerance);
}

bool request_budget::may_look(const window& seen, double spare, steady_time now) const noexcept {
    // Only answers show what others do. So a request looks when something is left by now if they went on as expected; the
    // margin shrinks with the square root of the time. And one looks now and then.
    const double left_since =
        to_seconds(seen.reset_at - now) / to_seconds(seen.reset_at - seen.counted_at);
    return spare > seen.others.margin * std::sqrt(left_since)
           || now - seen.counted_at > window_length_ * looks_every;
}

double request_budget::place_in(const window& seen, steady_time now) const noexcept {
    return 1 - to_seconds(seen.reset_at - now) / to_seconds(window_length_);
}

std::size_t request_budget::hour_of(const window& seen) noexcept {
    // The last moment of the window: one that ends at 15:00 belongs to the hour of 14.
    const api_time last = *seen.reset - milliseconds(1);
    const auto of_day = last - std::chrono::floor<std::chrono::days>(last);
    return static_cast<std::size_t>(std::chrono::floor<std::chrono::hours>(of_day).count());
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
    if (window_ && window_->reset) {
        others_.end_window(hour_of(*window_));
    }
    // Until an answer gives the end, assume a full window from now.
    next.reset_at = now + window_length_;
    if (!window_) {
        // The first window seen: everything sent so far may have been counted in it.
        next.ours = ours_so_far_;
    } else if (reset && window_->reset && now >= window_->reset_at - reset_tolerance) {
        // The former window ended as expected: some of our last requests may already belong to this one.
        next.ours = window_->ours_next;
        end_slack_ = slack_after(*window_, now);
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
