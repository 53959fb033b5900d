#include "bench/policy/attainable_share.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace kallglot::policy {

namespace {

/// Refused requests of others cost so many of ours.
constexpr double price = 100'000;

/// The chance of each number of independent requests, up to one that is practically impossible.
std::vector<double> chances(double mean) {
    std::vector<double> all{std::exp(-mean)};
    const auto most = static_cast<std::size_t>(mean + 12 * std::sqrt(mean) + 12);
    while (all.size() < most) {
        all.push_back(all.back() * mean / static_cast<double>(all.size()));
    }
    return all;
}

/// From a moment to the end of the window: what a policy can spend, and that less the price of what others lose.
struct prospect {
    double spent = 0;
    double value = 0;
};

/// The prospects by the requests that are left, before others send a number of requests with these chances.
std::vector<prospect> before_others(const std::vector<prospect>& after,
                                    const std::vector<double>& number) {
    std::vector<prospect> before(after.size());
    for (std::size_t left = 0; left < after.size(); ++left) {
        for (std::size_t n = 0; n < number.size(); ++n) {
            const prospect& then = after[left - std::min(left, n)];
            const auto refused = static_cast<double>(n - std::min(left, n));
            before[left].spent += number[n] * then.spent;
            before[left].value += number[n] * (then.value - price * refused);
        }
    }
    return before;
}

struct window_figures {
    double spent = 0;
    double left = 0;
};

/// The mean over windows: what the best policy spends, and what others leave of our share.
window_figures best_window(const api_model_settings& settings, bool busy) {
    const auto limit = static_cast<std::size_t>(settings.limit_a_minute);
    const auto turns = static_cast<std::size_t>(settings.our_share * settings.limit_a_minute);
    const double turn = to_seconds(window_length) / static_cast<double>(turns);
    // From the end to the begin of the window: in each turn one request of ours may go, at the pace of our share.
    std::vector<prospect> prospects(limit + 1);
    double mean = 0;
    for (std::size_t i = turns; i-- > 0;) {
        const auto middle = from_seconds(turn * (static_cast<double>(i) + 0.5));
        const double sent = others_rate(settings, middle, busy) * turn;
        mean += sent;
        const std::vector<prospect> kept = before_others(prospects, chances(sent));
        prospects = kept;
        for (std::size_t left = 1; left <= limit; ++left) {
            if (kept[left - 1].value + 1 > kept[left].value) {
                prospects[left] = {kept[left - 1].spent + 1, kept[left - 1].value + 1};
            }
        }
    }
    window_figures figures;
    figures.spent = prospects[limit].spent;
    for (std::size_t used = 0; used <= limit; ++used) {
        const auto count = static_cast<double>(used);
        const double chance = mean > 0
                                  ? std::exp(count * std::log(mean) - mean - std::lgamma(count + 1))
                                  : (used == 0 ? 1.0 : 0.0);
        figures.left +=
            chance * std::min(settings.limit_a_minute - count, static_cast<double>(turns));
    }
    return figures;
}

} // namespace

double attainable_share(const api_model_settings& settings) {
    const window_figures usual = best_window(settings, false);
    if (settings.others_busy_a_minute <= 0) {
        return usual.spent / usual.left;
    }
    const window_figures busy = best_window(settings, true);
    const double weight = to_seconds(busy_until - busy_from) / to_seconds(std::chrono::hours(24));
    return (busy.spent * weight + usual.spent * (1 - weight))
           / (busy.left * weight + usual.left * (1 - weight));
}

} // namespace kallglot::policy
