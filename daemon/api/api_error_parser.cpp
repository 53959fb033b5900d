#include "kallglot/api/api_error_parser.hpp"

#include "api/json_members.hpp"

#include <cmath>
#include <cstddef>

namespace kallglot {
namespace {

// Error bodies have a few hundred bytes. A larger one is not worth reading.
constexpr std::size_t body_limit_bytes = 16 * 1024;

// As for the Retry-After header: a longer wait is cut to this, not ignored.
constexpr seconds max_wait{10LL * 366 * 86400};

api_error_kind kind_of(std::string_view code) noexcept {
    // By parts of the code, not by a list: new codes of the same family mean the same to us.
    const bool key = code.starts_with("organization_") || code == "feature_not_available"
                     || code.find("permission") != std::string_view::npos;
    return key ? api_error_kind::key : api_error_kind::other;
}

struct error_reader {
    enum class member : std::uint8_t { skipped, body, error, code, retry_after };

    static constexpr std::array members{
        json_member{member::error, member::body, "error"},
        json_member{member::code, member::error, "code"},
        json_member{member::retry_after, member::error, "retry_after"},
    };

    void take_text(member which, std::string_view value) noexcept {
        // The code itself is not stored, only its family. One that is too long to be known counts as `other`.
        if (which == member::code) {
            found.kind = kind_of(value);
        }
    }

    // Rounded up: a shorter wait than the API asks for causes the next 429. Boost.JSON reads a number that is too large
    // as infinity, which is ignored.
    void take_number(member which, double value) noexcept {
        if (which == member::retry_after && std::isfinite(value) && value >= 0) {
            const auto limit = static_cast<double>(max_wait.count());
            const double whole = std::ceil(value);
            // Compared before the cast: a double beyond the range of the integer has no defined value.
            found.retry_after = seconds{static_cast<seconds::rep>(whole < limit ? whole : limit)};
        }
    }

    api_error found;
};

} // namespace

api_error parse_api_error(std::string_view body) noexcept {
    // A body over the limit is a page for people, not an error of the API.
    if (body.empty() || body.size() > body_limit_bytes) {
        return {};
    }
    // A body that is not JSON says nothing; the status of the response is enough for the policy.
    const std::optional<error_reader> read = read_members<error_reader>(body);
    return read ? read->found : api_error();
}

} // namespace kallglot
