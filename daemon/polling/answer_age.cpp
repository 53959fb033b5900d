#include "polling/answer_age.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// `Date` is cut to whole seconds, and the servers of an API differ by some more.
constexpr milliseconds date_slack = 2s;

/// How long, and over how many answers, an earlier clock must be the only one before it counts.
constexpr steady_duration earlier_after = 30s;
constexpr unsigned min_earlier_answers = 3;

/// Both clocks run at slightly different rates: the reference falls by this part of the time that passes.
constexpr int drift = 1000;

constexpr std::size_t max_request_ids = 65'536;

} // namespace

steady_duration date_check::age_of(api_time date, steady_time sent, steady_time received) noexcept {
    const auto steady_ms = [](steady_time at) {
        return std::chrono::floor<milliseconds>(at.time_since_epoch());
    };
    // The server's clock as a distance from the steady clock: it stays the same while both run.
    const offset seen = date.time_since_epoch() - steady_ms(received);
    if (!newest_) {
        newest_ = seen;
        newest_at_ = received;
    }
    // Never negative: the reference falls as time passes, and does not rise by itself.
    const steady_duration passed = std::max<steady_duration>(received - newest_at_, 0s);
    newest_ = *newest_ - std::chrono::duration_cast<milliseconds>(passed / drift);
    newest_at_ = std::max(newest_at_, received);
    // The API's clock was at least there when the request was sent.
    const milliseconds late = steady_ms(sent) + *newest_ - date.time_since_epoch();
    if (late <= date_slack) {
        newest_ = std::max(*newest_, seen);
        earlier_count_ = 0;
        return 0s;
    }
    // The server's clock was set back, or another server answers. The earlier clock is the reference from now on.
    if (accept_earlier(seen, received)) {
        newest_ = seen;
        return 0s;
    }
    // Cut: a Date of the year 9999 would overflow the steady clock.
    return std::min<milliseconds>(late, std::chrono::hours(24 * 365));
}

// A stored answer stands still while the clock goes on, so answers out of a cache do not agree for long.
bool date_check::accept_earlier(offset seen, steady_time received) noexcept {
    if (earlier_count_ == 0 || std::chrono::abs(seen - earlier_) > date_slack) {
        earlier_ = seen;
        earlier_since_ = received;
        earlier_count_ = 0;
    }
    ++earlier_count_;
    if (earlier_count_ < min_earlier_answers || received - earlier_since_ < earlier_after) {
        return false;
    }
    earlier_count_ = 0;
    return true;
}

answer_age answer_ages::of(const api_answer& answer) {
    const response_headers& headers = answer.headers;
    answer_age age{answer.sent, {}};
    // Look at both always: they learn from every answer.
    const bool repeated = is_repeated(answer);
    const steady_duration by_date =
        headers.date ? dates_.age_of(*headers.date, answer.sent, answer.received) : 0s;
    if (by_date > 0s) {
        // A second more, by which the `Date` may have been rounded.
        age = {answer.sent - by_date - 1s, "Date"};
    }
    if (headers.age) {
        // In whole seconds, rounded down. Some proxies send `Age: 0` with every answer, stored or not.
        age.made = std::min(age.made, answer.sent - *headers.age - 1s);
        age.shown_by = *headers.age > 0s ? "Age" : age.shown_by;
        return age;
    }
    // Stored at an unknown moment.
    if (!headers.stored_by.empty()) {
        return {no_time, headers.stored_by};
    }
    return repeated ? answer_age{no_time, "X-Request-ID"} : age;
}

bool answer_ages::is_repeated(const api_answer& answer) {
    if (answer.headers.request_id == 0 || answer.slot == no_slot) {
        return false;
    }
    const std::size_t place = index_of(answer.slot) % max_request_ids;
    if (request_ids_.size() <= place) {
        request_ids_.resize(place + 1);
    }
    // A fresh answer has an id of its own. The same one again for the same session is the answer out of a cache.
    // With the slot, so that sessions that share a place never look like one.
    const std::uint64_t seen = answer.headers.request_id + index_of(answer.slot);
    return std::exchange(request_ids_[place], seen) == seen;
}

} // namespace kallglot
