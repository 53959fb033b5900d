#include "kallglot/api/api_error_parser.hpp"

#include "api/short_text.hpp"
#include "kallglot/api/json_limits.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <cmath>
#include <cstddef>

namespace kallglot {
namespace {

// Error bodies have a few hundred bytes. A larger one is not worth reading.
constexpr std::size_t body_limit_bytes = 16 * 1024;

// As for the Retry-After header: a longer wait is cut to this, not ignored.
constexpr seconds max_wait{10LL * 366 * 86400};

// The member whose value comes next.
enum class field : std::uint8_t { none, error, code, retry_after };

api_error_kind kind_of(std::string_view code) noexcept {
    // By parts of the code, not by a list: new codes of the same family mean the same to us.
    const bool key = code.starts_with("organization_") || code == "feature_not_available"
                     || code.find("permission") != std::string_view::npos;
    return key ? api_error_kind::key : api_error_kind::other;
}

// Takes two fields of `error` and skips everything else.
class api_error_handler : public ignore_json {
public:
    [[nodiscard]] const api_error& found() const noexcept { return found_; }

    bool on_object_begin(error_code&) noexcept {
        // Only the object named `error` at the top counts; the same name deeper down is other data.
        in_error_ = in_error_ || (depth_ == 1 && field_ == field::error);
        return enter();
    }

    bool on_array_begin(error_code&) noexcept { return enter(); }

    bool on_object_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_array_end(std::size_t, error_code&) noexcept { return leave(); }

    // Keys are collected at every depth; field_of() decides by depth and name.
    bool on_key_part(text part, std::size_t, error_code&) noexcept {
        text_.append(part);
        return true;
    }

    bool on_key(text part, std::size_t total, error_code&) noexcept {
        // A text of more than 64 bytes is empty here, and no field has an empty name.
        field_ = field_of(text_.finish(part, total));
        text_.wipe();
        return true;
    }

    bool on_string_part(text part, std::size_t, error_code&) noexcept {
        if (field_ == field::code) {
            // A long string arrives in parts; only that of `code` is collected.
            text_.append(part);
        }
        return true;
    }

    bool on_string(text part, std::size_t total, error_code&) noexcept {
        if (field_ == field::code) {
            // A code that is too long to be known counts as `other`.
            found_.kind = kind_of(text_.finish(part, total));
            // The code itself is not stored, only its family.
            text_.wipe();
        }
        return other_value();
    }

    bool on_int64(std::int64_t value, text, error_code&) noexcept {
        return number(static_cast<double>(value));
    }

    bool on_uint64(std::uint64_t value, text, error_code&) noexcept {
        return number(static_cast<double>(value));
    }

    bool on_double(double value, text, error_code&) noexcept { return number(value); }

    bool on_bool(bool, error_code&) noexcept { return other_value(); }

    bool on_null(error_code&) noexcept { return other_value(); }

private:
    [[nodiscard]] field field_of(std::string_view key) const noexcept {
        // Depth 1 is the body, depth 2 the error object.
        if (depth_ == 1 && key == "error") {
            return field::error;
        }
        // Fields count only directly within `error`.
        if (depth_ != 2 || !in_error_) {
            return field::none;
        }
        if (key == "code") {
            return field::code;
        }
        return key == "retry_after" ? field::retry_after : field::none;
    }

    bool enter() noexcept {
        ++depth_;
        field_ = field::none;
        return true;
    }

    bool leave() noexcept {
        --depth_;
        // The error object is complete.
        if (depth_ == 1) {
            in_error_ = false;
        }
        return true;
    }

    bool other_value() noexcept {
        field_ = field::none;
        return true;
    }

    // Rounded up: a shorter wait than the API asks for causes the next 429. Boost.JSON reads a number that is too large
    // as infinity, which is ignored.
    bool number(double value) noexcept {
        if (field_ == field::retry_after && std::isfinite(value) && value >= 0) {
            const auto limit = static_cast<double>(max_wait.count());
            const double whole = std::ceil(value);
            found_.retry_after = seconds{static_cast<seconds::rep>(whole < limit ? whole : limit)};
        }
        return other_value();
    }

    api_error found_;
    short_text text_;
    // Number of objects and arrays that are open.
    std::size_t depth_ = 0;
    field field_ = field::none;
    bool in_error_ = false;
};

} // namespace

api_error parse_api_error(std::string_view body) noexcept {
    // A body over the limit is a page for people, not an error of the API.
    if (body.empty() || body.size() > body_limit_bytes) {
        return {};
    }
    // The parser allocates only when a body is suspended in the middle. This one is complete.
    boost::json::basic_parser<api_error_handler> parser(strict_json());
    boost::system::error_code problem;
    const auto taken = parser.write_some(false, body.data(), body.size(), problem);
    // A body that is not JSON says nothing; the status of the response is enough for the policy.
    if (problem || taken < body.size()) {
        return {};
    }
    return parser.handler().found();
}

} // namespace kallglot
