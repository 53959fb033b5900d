#include "kallglot/api/response_headers.hpp"

#include "kallglot/base/timestamps.hpp"

#include <charconv>
#include <concepts>
#include <system_error>

namespace kallglot {
namespace {

// A longer wait is cut to this, not ignored: the API asks the daemon to stay away.
constexpr seconds max_wait{10LL * 366 * 86400};

// A smaller number is not a Unix time. Some APIs send the seconds that are left instead.
constexpr std::uint64_t first_reset = 978'307'200;
constexpr std::uint64_t after_last_reset = 253'402'300'800;

// Names of header fields are ASCII. `lower` is one of our own names, in lower case and of the same length.
bool same_name(std::string_view name, std::string_view lower) noexcept {
    for (std::size_t i = 0; i < lower.size(); ++i) {
        const char c = name[i];
        const char folded = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        if (folded != lower[i]) {
            return false;
        }
    }
    return true;
}

// from_chars accepts neither spaces nor a plus sign, and for unsigned types no minus sign.
// Unsigned, so that a negative number is malformed and not a huge limit.
template <std::unsigned_integral Number>
std::errc read_number(std::string_view text, Number& number) noexcept {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    // The whole value must be a number: `10, 20` from two fields that a proxy has joined is malformed.
    return stop == end ? error : std::errc::invalid_argument;
}

template <std::unsigned_integral Number>
void note_number(std::optional<Number>& field, std::string_view value) noexcept {
    Number number = 0;
    // The first well formed value counts; an intermediary may have added a later one.
    if (!field && read_number(value, number) == std::errc{}) {
        field = number;
    }
}

void note_retry_after(response_headers& headers, std::string_view value) noexcept {
    // One Retry-After for each response, in whichever form came first.
    if (headers.retry_after || headers.retry_at) {
        return;
    }
    std::uint64_t number = 0;
    const auto error = read_number(value, number);
    // Not a number: the other form of the field is a date.
    if (error == std::errc::invalid_argument) {
        headers.retry_at = parse_http_date(value);
        return;
    }
    const auto limit = static_cast<std::uint64_t>(max_wait.count());
    // A number that does not fit 64 bits is a very long wait, not a bad value.
    const bool too_long = error != std::errc{} || number > limit;
    headers.retry_after = too_long ? max_wait : seconds{static_cast<seconds::rep>(number)};
}

void note_rate_reset(response_headers& headers, std::string_view value) noexcept {
    std::uint64_t number = 0;
    // Outside the years 2001 to 9999 the value is not a Unix time, and the window has no known end.
    if (headers.rate_reset || read_number(value, number) != std::errc{} || number < first_reset
        || number >= after_last_reset) {
        return;
    }
    headers.rate_reset = api_time{seconds{static_cast<seconds::rep>(number)}};
}

} // namespace

void note_header(response_headers& headers,
                 std::string_view name,
                 std::string_view value) noexcept {
    // Most fields are of no interest, and for them the length alone decides: no comparison of text.
    switch (name.size()) {
        // The first `Date` counts; all timestamps of this response are compared with it.
        case 4:
            if (!headers.date && same_name(name, "date")) {
                headers.date = parse_http_date(value);
            }
            break;
        case 11:
            if (same_name(name, "retry-after")) {
                note_retry_after(headers, value);
            }
            break;
        // Limit, rest and end of the account's window: the request budget follows them.
        case 17:
            if (same_name(name, "x-ratelimit-limit")) {
                note_number(headers.rate_limit, value);
            } else if (same_name(name, "x-ratelimit-reset")) {
                note_rate_reset(headers, value);
            }
            break;
        // Credits are only reported as metrics.
        case 18:
            if (same_name(name, "x-api-credits-used")) {
                note_number(headers.credits_used, value);
            }
            break;
        case 21:
            if (same_name(name, "x-ratelimit-remaining")) {
                note_number(headers.rate_remaining, value);
            }
            break;
        case 23:
            if (same_name(name, "x-api-credits-remaining")) {
                note_number(headers.credits_remaining, value);
            }
            break;
        default:
            break;
    }
}

} // namespace kallglot
