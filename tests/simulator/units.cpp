#include "simulator/units.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace kallglot::simulator {

namespace {

using std::chrono::milliseconds;

struct unit {
    std::string_view name;
    std::int64_t factor;
};

// `ms` before `m`: the longer name must be tried first.
constexpr std::array<unit, 5> units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

// The longest duration that makes sense here; also what keeps the sums below from overflowing.
constexpr std::int64_t max_duration_ms = 366LL * 86'400'000;

std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0 || number > max_duration_ms) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

std::optional<std::int64_t> take_unit(std::string_view& text) {
    for (const unit& candidate : units) {
        if (text.starts_with(candidate.name)) {
            text.remove_prefix(candidate.name.size());
            return candidate.factor;
        }
    }
    return std::nullopt;
}

void append_padded(std::string& out, unsigned value, unsigned digits) {
    std::array<char, 10> text{};
    for (unsigned place = digits; place > 0; --place) {
        text[place - 1] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    out.append(text.data(), digits);
}

void append_clock(std::string& out, std::chrono::seconds of_day) {
    const std::chrono::hh_mm_ss clock{of_day};
    append_padded(out, static_cast<unsigned>(clock.hours().count()), 2);
    out += ':';
    append_padded(out, static_cast<unsigned>(clock.minutes().count()), 2);
    out += ':';
    append_padded(out, static_cast<unsigned>(clock.seconds().count()), 2);
}

} // namespace

double event_rate::per_second() const {
    return count / std::chrono::duration<double>(window).count();
}

std::optional<milliseconds> parse_duration(std::string_view text) {
    if (text == "0") {
        return milliseconds{0};
    }
    if (text.empty()) {
        return std::nullopt;
    }
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number) {
            return std::nullopt;
        }
        const auto factor = take_unit(text);
        if (!factor || *number > max_duration_ms / *factor) {
            return std::nullopt;
        }
        total += *number * *factor;
        if (total > max_duration_ms) {
            return std::nullopt;
        }
    }
    return milliseconds{total};
}

std::optional<duration_range> parse_duration_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto shortest = parse_duration(text.substr(0, dash));
    const auto longest =
        dash == std::string_view::npos ? shortest : parse_duration(text.substr(dash + 1));
    if (!shortest || !longest || *longest < *shortest) {
        return std::nullopt;
    }
    return duration_range{*shortest, *longest};
}

std::optional<event_rate> parse_rate(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    double count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + slash, count);
    const auto window = parse_duration(text.substr(slash + 1));
    const bool whole = error == std::errc{} && end == text.data() + slash;
    if (!whole || !(count >= 0) || count > 1e12 || !window || window->count() == 0) {
        return std::nullopt;
    }
    return event_rate{count, *window};
}

void append_number(std::string& out, std::uint64_t value) {
    std::array<char, 20> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    out.append(text.data(), end);
}

void append_timestamp(std::string& out, system_time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out += '-';
    append_padded(out, static_cast<unsigned>(date.month()), 2);
    out += '-';
    append_padded(out, static_cast<unsigned>(date.day()), 2);
    out += 'T';
    append_clock(out, std::chrono::floor<std::chrono::seconds>(time - day));
    out += 'Z';
}

void append_http_date(std::string& out, system_time time) {
    static constexpr std::array<std::string_view, 7>
        weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12>
        months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    out += weekdays[std::chrono::weekday{day}.c_encoding()];
    out += ", ";
    append_padded(out, static_cast<unsigned>(date.day()), 2);
    out += ' ';
    out += months[static_cast<unsigned>(date.month()) - 1];
    out += ' ';
    append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out += ' ';
    append_clock(out, std::chrono::floor<std::chrono::seconds>(time - day));
    out += " GMT";
}

} // namespace kallglot::simulator
