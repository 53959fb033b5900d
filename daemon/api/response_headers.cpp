#include "kallglot/api/response_headers.hpp"

#include "kallglot/base/text.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session_id.hpp"

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

// The first Age counts (RFC 9111 section 5.1). A value that is no number still says that the response was stored.
void note_age(response_headers& headers, std::string_view value) noexcept {
    std::uint64_t number = 0;
    if (headers.age) {
        return;
    }
    const std::errc error = read_number(value, number);
    if (error == std::errc::invalid_argument) {
        // The name of the field is for the log: it says what to look for in the cache.
        headers.stored_by = "Age";
        return;
    }
    const auto limit = static_cast<std::uint64_t>(max_wait.count());
    const bool too_long = error != std::errc{} || number > limit;
    headers.age = too_long ? max_wait : seconds{static_cast<seconds::rep>(number)};
}

constexpr bool is_letter(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Whether `word` is in the value. Not as `word=?0`, which means "not", and not behind `REFRESH_`: such a response was
// confirmed by the API just now.
bool has_word(std::string_view value, std::string_view word) noexcept {
    constexpr std::string_view confirmed = "refresh_";
    for (std::size_t at = 0; at + word.size() <= value.size(); ++at) {
        const std::string_view before = value.substr(0, at);
        const std::string_view after = value.substr(at + word.size());
        const bool is_whole = (before.empty() || !is_letter(before.back()))
                              && (after.empty() || !is_letter(after.front()));
        const bool is_confirmed =
            before.size() >= confirmed.size()
            && ascii_iequals(before.substr(before.size() - confirmed.size()), confirmed);
        if (is_whole && !is_confirmed && !after.starts_with("=?0")
            && ascii_iequals(value.substr(at, word.size()), word)) {
            return true;
        }
    }
    return false;
}

// What caches write into their own fields about where the response came from.
bool says_stored(std::string_view value) noexcept {
    return has_word(value, "hit") || has_word(value, "stale") || has_word(value, "updating");
}

// 110 to 113: the response is stale, or was not confirmed by the API.
bool warns_of_age(std::string_view value) noexcept {
    return value.size() >= 3 && value.starts_with("11") && value[2] >= '0' && value[2] <= '3';
}

// The fields that tell whether the response was made for this request.
void note_origin(response_headers& headers,
                 std::string_view name,
                 std::string_view value) noexcept {
    switch (name.size()) {
        case 3:
            if (ascii_iequals(name, "age")) {
                note_age(headers, value);
            }
            break;
        // The lengths of two names, as in note_header().
        case 7:
            if (ascii_iequals(name, "x-cache") && says_stored(value)) {
                headers.stored_by = "X-Cache";
            } else if (ascii_iequals(name, "warning") && warns_of_age(value)) {
                headers.stored_by = "Warning";
            }
            break;
        case 12:
            if (ascii_iequals(name, "x-request-id")) {
                // A hash of eight bytes instead of a text of any length. Equal ones show that two answers are one,
                // from a cache.
                headers.request_id = hash_of(value);
            } else if (ascii_iequals(name, "cache-status") && has_word(value, "hit")) {
                headers.stored_by = "Cache-Status";
            }
            break;
        case 13:
            if (ascii_iequals(name, "x-proxy-cache") && says_stored(value)) {
                headers.stored_by = "X-Proxy-Cache";
            }
            break;
        case 14:
            if (ascii_iequals(name, "x-cache-status") && says_stored(value)) {
                headers.stored_by = "X-Cache-Status";
            }
            break;
        case 15:
            if (ascii_iequals(name, "cf-cache-status") && says_stored(value)) {
                headers.stored_by = "CF-Cache-Status";
            }
            break;
        default:
            break;
    }
}

} // namespace

void note_header(response_headers& headers,
                 std::string_view name,
                 std::string_view value) noexcept {
    // Most fields are of no interest, and for them the length alone decides: no comparison of text.
    switch (name.size()) {
        // The first `Date` counts; all timestamps of this response are compared with it.
        case 4:
            if (!headers.date && ascii_iequals(name, "date")) {
                headers.date = parse_http_date(value);
            }
            break;
        case 11:
            if (ascii_iequals(name, "retry-after")) {
                note_retry_after(headers, value);
            }
            break;
        // Limit, rest and end of the account's window: the request budget follows them.
        case 17:
            if (ascii_iequals(name, "x-ratelimit-limit")) {
                note_number(headers.rate_limit, value);
            } else if (ascii_iequals(name, "x-ratelimit-reset")) {
                note_rate_reset(headers, value);
            }
            break;
        // Credits are only reported as metrics.
        case 18:
            if (ascii_iequals(name, "x-api-credits-used")) {
                note_number(headers.credits_used, value);
            }
            break;
        case 21:
            if (ascii_iequals(name, "x-ratelimit-remaining")) {
                note_number(headers.rate_remaining, value);
            }
            break;
        case 23:
            if (ascii_iequals(name, "x-api-credits-remaining")) {
                note_number(headers.credits_remaining, value);
            }
            break;
        default:
            note_origin(headers, name, value);
            break;
    }
}

} // namespace kallglot
