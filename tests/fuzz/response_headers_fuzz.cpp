// Lines `Name: value` of a response (Retry-After, Date, rate limits, credits), and the same bytes as a time.

#include "kallglot/api/response_headers.hpp"
#include "kallglot/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace kallglot;

bool is_before_year_10000(const std::optional<api_time>& time) {
    constexpr api_time end{seconds(253'402'300'800)};
    return !time || *time < end;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    response_headers headers;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
        const std::size_t colon = line.find(": ");
        if (colon != std::string_view::npos) {
            note_header(headers, line.substr(0, colon), line.substr(colon + 2));
        }
    }
    constexpr seconds ten_years{10LL * 366 * 86400};
    const bool sane =
        (!headers.retry_after
         || (*headers.retry_after >= seconds(0) && *headers.retry_after <= ten_years))
        && is_before_year_10000(headers.retry_at) && is_before_year_10000(headers.date)
        && is_before_year_10000(headers.rate_reset) && is_before_year_10000(parse_timestamp(text))
        && is_before_year_10000(parse_http_date(text));
    if (!sane) {
        std::abort();
    }
    return 0;
}
