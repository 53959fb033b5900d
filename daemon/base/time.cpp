#include "kallglot/base/time.hpp"

#include "kallglot/base/text.hpp"

#include <array>
#include <cstddef>
#include <cstdio>

// Written by hand: libstdc++ 12 has no std::chrono::parse, which needs a stream as well, and strptime depends on the
// locale.
namespace kallglot {
namespace {

using std::chrono::day;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::month;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12>
    month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7>
    weekday_names{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

// Range of timestamps that are plausible: from the Unix epoch to the year 9999.
constexpr api_time earliest{std::chrono::sys_days{year{1970} / 1 / 1}};
constexpr api_time end_of_time{std::chrono::sys_days{year{10000} / 1 / 1}};

// Reads a text from the left. After the first piece that does not match, all further pieces fail too. So the code of a
// format looks like its grammar, with one check at the end.
class scanner {
public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }

    [[nodiscard]] bool at_end() const noexcept { return ok_ && rest_.empty(); }

    // The zero byte at the end of the text matches no format.
    [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }

    // Exactly `count` digits.
    int digits(std::size_t count) noexcept {
        // A failed scanner reads nothing more, so the caller need not check each piece.
        if (!ok_ || rest_.size() < count) {
            return fail();
        }
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (!is_digit(rest_[i])) {
                return fail();
            }
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }

    char one_of(std::string_view choices) noexcept {
        // One of several characters, for separators that have variants.
        if (!ok_ || rest_.empty() || choices.find(rest_.front()) == std::string_view::npos) {
            fail();
            return '\0';
        }
        const char found = rest_.front();
        rest_.remove_prefix(1);
        return found;
    }

    void literal(std::string_view text) noexcept {
        // Text is compared with case: the formats define it.
        if (!ok_ || !rest_.starts_with(text)) {
            fail();
            return;
        }
        rest_.remove_prefix(text.size());
    }

    // The position, from 1, of the name that comes next in the text; `length`: compare only so many letters, 0 = all.
    template <std::size_t Size>
    int name(const std::array<std::string_view, Size>& names, std::size_t length = 0) noexcept {
        for (std::size_t i = 0; ok_ && i < Size; ++i) {
            const auto expected = length == 0 ? names[i] : names[i].substr(0, length);
            if (rest_.starts_with(expected)) {
                rest_.remove_prefix(expected.size());
                return static_cast<int>(i) + 1;
            }
        }
        return fail();
    }

    // `.` and digits, or nothing. Digits beyond milliseconds are cut off.
    milliseconds fraction() noexcept {
        if (!ok_ || peek() != '.') {
            return milliseconds{0};
        }
        rest_.remove_prefix(1);
        // A point without digits is not allowed (RFC 3339 section 5.6).
        if (!is_digit(peek())) {
            return milliseconds{fail()};
        }
        int value = 0;
        // From the fourth digit on the weight is 0, so any number of digits is read and cut.
        for (int weight = 100; is_digit(peek()); weight /= 10) {
            value += weight * (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return milliseconds{value};
    }

private:
    // Returns a value that callers can return as their result.
    int fail() noexcept {
        ok_ = false;
        return 0;
    }

    std::string_view rest_;
    bool ok_ = true;
};

struct civil_time {
    int year_number = 0;
    int month_number = 0;
    int day_number = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

void read_clock(scanner& in, civil_time& time) noexcept {
    // hh:mm:ss has the same form in all formats.
    time.hour = in.digits(2);
    in.literal(":");
    time.minute = in.digits(2);
    in.literal(":");
    time.second = in.digits(2);
}

// The moment of a civil time in UTC; empty if there is none. A leap second becomes the next second.
std::optional<api_time> to_api_time(const civil_time& time) noexcept {
    // std::chrono knows the calendar; only its parser is missing.
    const year_month_day date{year{time.year_number},
                              month{static_cast<unsigned>(time.month_number)},
                              day{static_cast<unsigned>(time.day_number)}};
    // Catches days like February 30. A second of 60 is a leap second.
    if (!date.ok() || time.hour > 23 || time.minute > 59 || time.second > 60) {
        return std::nullopt;
    }
    return api_time{std::chrono::sys_days{date}} + hours{time.hour} + minutes{time.minute}
           + seconds{time.second};
}

std::optional<api_time> within_range(std::optional<api_time> time) noexcept {
    // Times outside this range are mistakes, and could overflow later arithmetic.
    if (time && (*time < earliest || *time >= end_of_time)) {
        return std::nullopt;
    }
    return time;
}

// `Z`, or a signed offset from UTC of up to 14 hours, the largest one in use.
minutes read_offset(scanner& in, bool& ok) noexcept {
    const char sign = in.one_of("Zz+-");
    // `Z`, or a failure that the caller finds at the end of the text.
    if (sign != '+' && sign != '-') {
        return minutes{0};
    }
    const hours whole{in.digits(2)};
    in.literal(":");
    const minutes part{in.digits(2)};
    // The caller checks `ok` together with the end of the text.
    ok = part < hours{1} && whole + part <= hours{14};
    return sign == '+' ? whole + part : -(whole + part);
}

// After the weekday's comma: `06 Nov 1994 08:49:37 GMT`, or `06-Nov-94 08:49:37 GMT`.
civil_time read_day_first(scanner& in, std::string_view separator, bool two_digit_year) noexcept {
    civil_time time;
    time.day_number = in.digits(2);
    in.literal(separator);
    time.month_number = in.name(month_names);
    in.literal(separator);
    if (two_digit_year) {
        // There is no clock here to find the century. No date of the API is before 1970.
        const int number = in.digits(2);
        // RFC 850 dates have two digits: 70 to 99 are in the last century, the others in this one.
        time.year_number = number + (number < 70 ? 2000 : 1900);
    } else {
        time.year_number = in.digits(4);
    }
    in.literal(" ");
    read_clock(in, time);
    in.literal(" GMT");
    return time;
}

// After the weekday: ` Nov  6 08:49:37 1994`, a day below ten after a second space.
civil_time read_asctime(scanner& in) noexcept {
    civil_time time;
    in.literal(" ");
    time.month_number = in.name(month_names);
    in.literal(" ");
    // asctime pads a day below ten with a space.
    if (in.peek() == ' ') {
        in.literal(" ");
        time.day_number = in.digits(1);
    } else {
        time.day_number = in.digits(2);
    }
    in.literal(" ");
    read_clock(in, time);
    in.literal(" ");
    time.year_number = in.digits(4);
    return time;
}

} // namespace

std::optional<api_time> parse_timestamp(std::string_view text) noexcept {
    scanner in(text);
    civil_time time;
    time.year_number = in.digits(4);
    in.literal("-");
    time.month_number = in.digits(2);
    in.literal("-");
    time.day_number = in.digits(2);
    // RFC 3339 allows a lower-case `t` and a space here.
    in.one_of("Tt ");
    read_clock(in, time);
    const milliseconds fraction = in.fraction();
    // The hours and minutes of an offset have ranges of their own.
    bool offset_ok = true;
    const minutes offset = read_offset(in, offset_ok);
    // One check for all pieces: a piece that failed leaves at_end() false.
    if (!in.at_end() || !offset_ok) {
        return std::nullopt;
    }
    const auto local = to_api_time(time);
    if (!local) {
        return std::nullopt;
    }
    // A time with an offset ahead of UTC is that much earlier in UTC.
    return within_range(*local + fraction - offset);
}

std::optional<api_time> parse_http_date(std::string_view text) noexcept {
    // The spelling of the weekday distinguishes the three forms. Try the long one first, because it begins with the
    // short one.
    // A scanner for each attempt: after a failure it cannot go back.
    scanner long_form(text);
    long_form.name(weekday_names);
    long_form.literal(", ");
    if (long_form.ok()) {
        const civil_time time = read_day_first(long_form, "-", true);
        return long_form.at_end() ? within_range(to_api_time(time)) : std::nullopt;
    }
    scanner in(text);
    in.name(weekday_names, 3);
    // Behind the short weekday a comma follows in IMF-fixdate and a space in asctime.
    if (in.peek() != ',') {
        const civil_time time = read_asctime(in);
        return in.at_end() ? within_range(to_api_time(time)) : std::nullopt;
    }
    in.literal(", ");
    const civil_time time = read_day_first(in, " ", false);
    return in.at_end() ? within_range(to_api_time(time)) : std::nullopt;
}

std::string format_timestamp(api_time time) {
    // snprintf and not a stream: a page has 1,000 sessions with six timestamps each.
    const auto midnight = std::chrono::floor<std::chrono::days>(time);
    const year_month_day date(midnight);
    const std::chrono::hh_mm_ss clock(time - midnight);
    std::array<char, 40> text{};
    const int size = std::snprintf(text.data(),
                                   text.size(),
                                   "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                                   static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()),
                                   static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()),
                                   static_cast<int>(clock.subseconds().count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

} // namespace kallglot
