#include "web/common_traits.hpp"

#include "web/verdict.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>

namespace kallglot {

namespace {

/// Fewer sessions have something in common by chance.
constexpr std::uint32_t min_sessions = 3;

/// A trait of at least this share of them is worth a word.
constexpr double min_share = 0.75;

/// Among the other sessions the trait must be rarer by this much. Fewer others than `min_others` are no measure.
constexpr double min_difference = 0.2;
constexpr std::uint32_t min_others = 10;

template <class Counts>
std::uint32_t sum(const Counts& counts) noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint32_t{0});
}

/// A value that most of the stuck sessions share.
struct trait {
    std::size_t value = 0;
    std::uint32_t count = 0; ///< 0: there is none
};

template <class Counts>
trait find_trait(const Counts& stuck, const Counts& others) noexcept {
    // Only the most frequent value can reach three quarters.
    const auto most = std::ranges::max_element(stuck);
    const trait found{static_cast<std::size_t>(most - stuck.begin()), *most};
    // At least 1, so that no sessions give the share 0 and not NaN.
    const double share = static_cast<double>(found.count) / std::max(sum(stuck), 1U);
    const std::uint32_t other_count = sum(others);
    const double other_share =
        // Compared with the others: a provider of nine in ten sessions has nine in ten stuck ones by chance.
        other_count < min_others ? 0 : static_cast<double>(others[found.value]) / other_count;
    // Both: frequent among the stuck sessions, and more frequent than among the others.
    return share >= min_share && share - other_share >= min_difference ? found : trait{};
}

/// `all`, or `11 of them`.
std::string describe_part(std::uint32_t count, std::uint32_t total) {
    return count == total ? "all" : describe_count(count) + " of them";
}

/// The words are constants of this program. `other` and `none` are no names.
std::string describe_value(std::string_view word, std::string_view what) {
    if (word == "none") {
        return "without a " + std::string(what);
    }
    // These two are words of the exporter and not of the API.
    return word == "other" ? "with a " + std::string(what) + " this version does not know"
                           : std::string(word);
}

std::string describe_hour(api_time now, std::size_t hours_ago) {
    const auto begin = std::chrono::floor<std::chrono::hours>(now)
                       - std::chrono::hours(static_cast<std::chrono::hours::rep>(hours_ago));
    // The hour of the day is enough: sessions created more than 24 hours ago have no hour of their own.
    const auto hour = (begin - std::chrono::floor<std::chrono::days>(begin)).count();
    std::array<char, 64> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "created between %02d:00 and %02d:00 UTC",
                  static_cast<int>(hour),
                  static_cast<int>((hour + 1) % 24));
    return text.data();
}

} // namespace

std::string describe_common_traits(const trait_counts& stuck,
                                   const trait_counts& others,
                                   api_time now) {
    // Every session has one provider, `none` included, so this is the number of sessions.
    const std::uint32_t total = sum(stuck.by_provider);
    if (total < min_sessions) {
        return {};
    }
    std::string said;
    const auto say = [&](const trait& found, const std::string& value) {
        // All traits that apply, not the strongest alone: a provider and a mode together narrow the search.
        said += said.empty() ? "" : ", ";
        said += describe_part(found.count, total) + " " + value;
    };
    if (const trait found = find_trait(stuck.by_provider, others.by_provider); found.count > 0) {
        say(found,
            describe_value(to_string(static_cast<session_provider>(found.value)), "provider"));
    }
    if (const trait found = find_trait(stuck.by_mode, others.by_mode); found.count > 0) {
        say(found, describe_value(to_string(static_cast<session_mode>(found.value)), "mode"));
    }
    // The last count is of no hour.
    const trait found = find_trait(stuck.by_creation_hour, others.by_creation_hour);
    if (found.count > 0 && found.value + 1 < creation_hour_count) {
        say(found, describe_hour(now, found.value));
    }
    return said.empty() ? "nothing in common in provider, mode or hour of creation" : said;
}

} // namespace kallglot
