#include "polling/request_supply.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kallglot {

namespace {

/// Without a limit the average would stay infinite for good.
constexpr double largest_budget = 1e6;

/// The rates of new sessions and of the budget are averages over about two minutes.
constexpr double arrivals_seconds = 120;
/// The share of repeated polls is an average over so many polls.
constexpr double polls_in_repeated = 256;

/// A degree begins below its bound and ends above it by 15 %, so that chance does not change it back and forth.
constexpr double hard_below = 2.5;
constexpr double too_few_below = 1.0;
/// A deciding poll for each session, and the confirms of the stuck and the slow ones.
constexpr double decides_one = 1.08;
constexpr double hysteresis = 1.15;
/// Averages over less than about a minute decide nothing.
constexpr double known_enough = 0.4;

/// The routine floor: a fifth of the budget at `hard_below`, a fiftieth where the first polls need the rest.
constexpr double largest_floor = 0.2;
constexpr double smallest_floor = 0.02;
constexpr double smallest_floor_below = 1.2;

} // namespace

void request_supply::note_poll(bool again) noexcept {
    repeated_ += ((again ? 1.0 : 0.0) - repeated_) / polls_in_repeated;
}

void request_supply::compare(double demand, double budget, steady_time now) noexcept {
    if (compared_ != no_time && now > compared_) {
        const double elapsed = to_seconds(now - compared_);
        const double fresh = 1 - std::exp(-elapsed / arrivals_seconds);
        // Exponential averages: the weight of the newest stretch grows with its length, whatever the pace of the
        // calls.
        arrivals_ += (arrived_ / elapsed - arrivals_) * fresh;
        // What may be spent at a moment depends on what others did in this window: the average counts.
        budget_ += (std::min(budget, largest_budget) - budget_) * fresh;
        known_for_ += (1 - known_for_) * fresh;
        arrived_ = 0;
    }
    compared_ = now;
    degree_ = next_degree(demand > budget);
    urgent_in_a_row_ = next_urgent_in_a_row();
}

double request_supply::arriving() const noexcept {
    // Before two minutes have passed the average is too low by its missing weight.
    // Polls that are repeated after failures need requests too, as if more sessions arrived.
    return known_for_ > 0 ? arrivals_ / known_for_ / (1 - std::min(repeated_, 0.9)) : 0.0;
}

double request_supply::each() const noexcept {
    const double wanted = arriving();
    return wanted > 0 ? budget_ / known_for_ / wanted : std::numeric_limits<double>::infinity();
}

bool request_supply::decides_all() const noexcept {
    return each() >= decides_one;
}

double request_supply::needed() const noexcept {
    return arriving() * decides_one;
}

unsigned request_supply::next_urgent_in_a_row() const noexcept {
    // What is left after one request for each session, spread evenly from the smallest floor to the largest.
    const double slope = (largest_floor - smallest_floor) / (hard_below - smallest_floor_below);
    const double floor = std::clamp(smallest_floor + (each() - smallest_floor_below) * slope,
                                    smallest_floor,
                                    largest_floor);
    return static_cast<unsigned>(std::lround(1 / floor)) - 1;
}

scarcity request_supply::next_degree(bool shortage) const noexcept {
    if (!shortage) {
        return scarcity::plenty;
    }
    const auto below = [&](double bound, scarcity of) {
        return known_for_ > known_enough && each() < (degree_ >= of ? bound * hysteresis : bound);
    };
    if (below(too_few_below, scarcity::too_few)) {
        return scarcity::too_few;
    }
    return below(hard_below, scarcity::hard) ? scarcity::hard : scarcity::limited;
}

} // namespace kallglot
