// Two rules hold for every type here. Parsing accepts exactly the documented form: no signs, blanks or exponents, which
// the standard library would accept. Printing takes the shortest text that parses as exactly the same value.

#include "config/units.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace kallglot::config {

namespace {

constexpr std::uint64_t ms_per_second = 1000;
constexpr std::uint64_t ms_per_minute = 60 * ms_per_second;
constexpr std::uint64_t ms_per_hour = 60 * ms_per_minute;
constexpr std::uint64_t ms_per_day = 24 * ms_per_hour;
// Far beyond any use, and small enough that sums of durations cannot overflow.
constexpr std::uint64_t max_duration_ms = 200 * 365 * ms_per_day;

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

// Large to small: parsing and printing rely on the order.
constexpr std::array<unit, 7> duration_units = {{{"y", 365 * ms_per_day},
                                                 {"w", 7 * ms_per_day},
                                                 {"d", ms_per_day},
                                                 {"h", ms_per_hour},
                                                 {"m", ms_per_minute},
                                                 {"s", ms_per_second},
                                                 {"ms", 1}}};

constexpr std::array<unit, 3> size_units = {
    {{"GiB", 1024ULL * 1024 * 1024}, {"MiB", 1024ULL * 1024}, {"KiB", 1024}}};

// Takes digits off the front; empty if there are none or the number does not fit into 64 bits.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    // For an unsigned type from_chars accepts no sign, and it never skips blanks.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// Takes everything up to the next digit off the front.
std::string_view take_unit(std::string_view& text) {
    const auto end = std::find_if(text.begin(), text.end(), is_digit);
    const auto name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(name.size());
    return name;
}

// Parses a decimal without sign or exponent, for example 600 or 0.5; from_chars alone would accept "inf" and "-1".
std::optional<double> parse_decimal(std::string_view text) {
    const bool plain =
        // Digits at both ends also exclude ".5" and "5.", which are easily misread.
        !text.empty() && text.size() <= 32 && is_digit(text.front()) && is_digit(text.back())
        && std::count(text.begin(), text.end(), '.') <= 1
        && std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
    double number = 0;
    if (!plain
        || std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) {
        return std::nullopt;
    }
    return number;
}

// The shortest plain decimal text of a number, without an exponent; empty if it is very long.
std::string print_decimal(double number) {
    std::array<char, 48> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(),
                                            buffer.data() + buffer.size(),
                                            number,
                                            std::chars_format::fixed);
    // An empty text parses as no rate, so print_rate() never prefers it.
    return error == std::errc{} ? std::string(buffer.data(), end) : std::string();
}

// Takes a number with an optional fraction off the front, `.5` and `5.` included.
std::optional<double> take_fraction(std::string_view& text) {
    const auto end =
        std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
    const auto number = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(number.size());
    double value = 0;
    const bool plain =
        std::ranges::any_of(number, is_digit) && std::ranges::count(number, '.') <= 1;
    if (!plain
        || std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{}) {
        return std::nullopt;
    }
    return value;
}

// The most helpful message for a text that is not a duration: the usual mistakes have their own.
parse_error duration_error(std::string_view text) {
    if (text.starts_with('-')) {
        return {"must not be negative"};
    }
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_digit)) {
        // The example repeats the operator's number, unless it is absurdly long.
        constexpr std::size_t max_digits = 9;
        const auto example = text.size() <= max_digits ? text : "90";
        return {"must have a unit, for example " + std::string(example) + "s"};
    }
    if (text.find('.') != std::string_view::npos) {
        return {"must have no fraction: use a smaller unit, for example 1500ms"};
    }
    return {
        "must be a duration, for example 90s, 1m30s or 500ms (units in this order: y w d h m s "
        "ms)"};
}

} // namespace

parsed<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
    // Go accepts both characters for micro: U+00B5 and the Greek U+03BC.
    constexpr std::array<std::pair<std::string_view, double>, 8> units = {{{"h", 3.6e12},
                                                                           {"m", 6e10},
                                                                           {"s", 1e9},
                                                                           {"ms", 1e6},
                                                                           {"us", 1e3},
                                                                           {"\xC2\xB5s", 1e3},
                                                                           {"\xCE\xBCs", 1e3},
                                                                           {"ns", 1}}};
    constexpr double max_nanoseconds = 365.0 * 24 * 3.6e12;
    if (text == "0") {
        return std::chrono::nanoseconds(0);
    }
    if (text.starts_with('-')) {
        return parse_error{"must not be negative"};
    }
    std::string_view rest = text.substr(text.starts_with('+') ? 1 : 0);
    double total = 0;
    bool good = !rest.empty();
    while (good && !rest.empty()) {
        const auto number = take_fraction(rest);
        // Up to the next number, which may begin with its point.
        const auto name = rest.substr(0, rest.find_first_of("0123456789."));
        rest.remove_prefix(name.size());
        const auto found = std::ranges::find(units, name, &decltype(units)::value_type::first);
        // `rest` gets shorter in each turn or `good` becomes false, so the loop ends.
        good = number && found != units.end();
        total += good ? *number * found->second : 0;
    }
    if (!good) {
        return parse_error{"must be a duration, for example 0.1s, 500ms or 1m30s"};
    }
    // Before the cast: a double beyond the range of the integer has no defined value.
    if (total > max_nanoseconds) {
        // A rate limit of one request in more than a year is a mistake.
        return parse_error{"must be at most a year"};
    }
    return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(total));
}

parsed<bool> parse_flag(std::string_view text, flag_words words) {
    // Not `yEs`: YAML knows three spellings of each word.
    const auto is_one_of = [&](std::initializer_list<std::string_view> known) {
        return std::ranges::find(known, text) != known.end();
    };
    // YAML 1.1 has more words, which files of other exporters use.
    const bool old = words == flag_words::yaml_1_1;
    if (is_one_of({"true", "True", "TRUE"})
        || (old && is_one_of({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}))) {
        return true;
    }
    if (is_one_of({"false", "False", "FALSE"})
        || (old && is_one_of({"n", "N", "no", "No", "NO", "off", "Off", "OFF"}))) {
        return false;
    }
    return parse_error{"must be true or false"};
}

parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
    // Zero needs no unit, as in Prometheus; it disables a timer where the range allows it.
    if (text == "0") {
        return std::chrono::milliseconds(0);
    }
    std::string_view rest = text;
    std::uint64_t total = 0;
    // As in Prometheus: 1m30s is valid, 30s1m and 1m1m are not.
    auto next_unit = duration_units.begin();
    while (!rest.empty()) {
        const auto number = take_number(rest);
        const auto name = take_unit(rest);
        // The search continues after the last unit, so that each unit appears once and from large to small.
        const auto found =
            std::find_if(next_unit, duration_units.end(), [&](const unit& candidate) {
                return candidate.name == name;
            });
        if (!number || found == duration_units.end()) {
            return duration_error(text);
        }
        // Comparing by division cannot overflow.
        if (*number > (max_duration_ms - total) / found->factor) {
            return parse_error{"must be at most 200 years"};
        }
        total += *number * found->factor;
        next_unit = found + 1;
    }
    // An empty text has no wrong unit, so the loop did not reject it.
    if (text.empty()) {
        return duration_error(text);
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::string print_duration(std::chrono::milliseconds value) {
    auto rest = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    std::string text;
    // Years and weeks are parsed but not printed: 30d is clearer than 4w2d.
    for (const unit& each : duration_units) {
        if (each.name == "y" || each.name == "w" || rest < each.factor) {
            continue;
        }
        text += std::to_string(rest / each.factor);
        text += each.name;
        rest %= each.factor;
    }
    return text.empty() ? "0s" : text;
}

parsed<rate> parse_rate(std::string_view text) {
    if (text == "unlimited") {
        return rate::unlimited();
    }
    const parse_error form{"must be a rate, for example 600/1m, 50/1s or 0.5/1s, or unlimited"};
    // Count, slash, window. The window must be explicit: "10" could be a second or a minute.
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return form;
    }
    const auto count = parse_decimal(text.substr(0, slash));
    const auto window = parse_duration(text.substr(slash + 1));
    if (!count) {
        return form;
    }
    if (!window) {
        return parse_error{"the part after the slash " + window.error()};
    }
    // A window of 0 would divide by zero.
    if (window->count() == 0) {
        return parse_error{"the duration after the slash must be above 0"};
    }
    // The bounds keep intervals between requests representable: above a nanosecond and below a lifetime.
    const double per_second = *count * 1000.0 / static_cast<double>(window->count());
    if (per_second <= 0) {
        return parse_error{"must be above 0"};
    }
    if (per_second < 1e-9) {
        return parse_error{"must be at least 1/30y"};
    }
    if (per_second > 1e9) {
        return parse_error{"must be at most 1000000000/1s, or unlimited"};
    }
    return rate{per_second};
}

std::string print_rate(rate value) {
    if (value.is_unlimited()) {
        return "unlimited";
    }
    // 100/1m is what an operator writes, 1.6666666666666667/1s what a computer makes of it.
    std::string shortest = print_decimal(value.per_second) + "/1s";
    constexpr std::array<unit, 3> windows = {{{"1m", 60}, {"1h", 3600}, {"1d", 86400}}};
    for (const unit& window : windows) {
        std::string text = print_decimal(value.per_second * static_cast<double>(window.factor))
                           + '/' + std::string(window.name);
        // The multiplication may round; only a text that parses as the same rate is allowed.
        const auto again = parse_rate(text);
        if (text.size() < shortest.size() && again && *again == value) {
            shortest = std::move(text);
        }
    }
    return shortest;
}

parsed<std::size_t> parse_size(std::string_view text) {
    std::string_view rest = text;
    const auto number = take_number(rest);
    if (!number) {
        return parse_error{"must be a size, for example 64KiB, 1MiB or 65536"};
    }
    // A number without a unit is bytes.
    if (rest.empty()) {
        return static_cast<std::size_t>(*number);
    }
    // Only powers of two have units: KB would be 1000 for some readers and 1024 for others.
    const auto found = std::find_if(size_units.begin(),
                                    size_units.end(),
                                    [&](const unit& candidate) { return candidate.name == rest; });
    if (found == size_units.end()) {
        return parse_error{"must be a whole number with the unit KiB, MiB or GiB, without a space"};
    }
    // Comparing by division cannot overflow. The row of the schema has the practical range.
    if (*number > std::numeric_limits<std::size_t>::max() / found->factor) {
        return parse_error{"must fit into 64 bits"};
    }
    return static_cast<std::size_t>(*number * found->factor);
}

// The units are from large to small, so the first that divides the value gives the shortest text.
std::string print_size(std::size_t value) {
    for (const unit& each : size_units) {
        if (value != 0 && value % each.factor == 0) {
            return std::to_string(value / each.factor) + std::string(each.name);
        }
    }
    return std::to_string(value);
}

parsed<double> parse_percent(std::string_view text) {
    // The sign is required: 0.5 could be half a percent or a half.
    if (!text.ends_with('%')) {
        return parse_error{"must be a percentage, for example 50%"};
    }
    const auto number = parse_decimal(text.substr(0, text.size() - 1));
    if (!number) {
        return parse_error{"must be a percentage, for example 50%"};
    }
    if (*number > 100) {
        return parse_error{"must be at most 100%"};
    }
    return *number / 100;
}

std::string print_percent(double value) {
    // Try few digits first: 0.07 times 100 is not exactly 7 in binary, but "7%" parses as 0.07.
    std::array<char, 48> buffer{};
    // 17 digits represent every double exactly.
    for (int digits = 0; digits <= 17; ++digits) {
        const auto end = std::to_chars(buffer.data(),
                                       buffer.data() + buffer.size(),
                                       value * 100,
                                       std::chars_format::fixed,
                                       digits)
                             .ptr;
        std::string text = std::string(buffer.data(), end) + '%';
        const auto again = parse_percent(text);
        if (again && *again == value) {
            return text;
        }
    }
    return print_decimal(value * 100) + '%';
}

parsed<std::size_t> parse_count(std::string_view text) {
    std::string_view rest = text;
    const auto number = take_number(rest);
    if (!number || !rest.empty()) {
        return parse_error{"must be a whole number"};
    }
    return static_cast<std::size_t>(*number);
}

} // namespace kallglot::config
