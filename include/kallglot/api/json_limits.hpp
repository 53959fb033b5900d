/// Limits and defaults that all JSON parsers of the daemon share.

#ifndef KALLGLOT_API_JSON_LIMITS_HPP
#define KALLGLOT_API_JSON_LIMITS_HPP

#include "kallglot/base/error.hpp"

#include <boost/json/parse_options.hpp>
#include <boost/json/string_view.hpp>

#include <cstddef>

namespace kallglot {

/// Greatest depth of nested objects and arrays, the outermost included.
inline constexpr std::size_t max_json_depth = 16;

/// Greatest number of digits in the exponent of a number, without leading zeros.
inline constexpr std::size_t max_exponent_digits = 9;

/// What our JSON parsers accept: strict RFC 8259 (no comments, no trailing commas, valid
/// UTF-8), and no deeper than `max_json_depth`. ignore_json limits exponents.
[[nodiscard]] inline boost::json::parse_options strict_json() noexcept {
    boost::json::parse_options options;
    options.max_depth = max_json_depth;
    return options;
}

/// Default handlers that accept and ignore events of boost::json::basic_parser. A handler hides those that it needs.
/// Sizes are not limited here, because the length of the body is.
///
/// Versions of Boost.JSON differ in exponents of ten digits and more: 1.81 rejects them, 1.83 reads infinity or zero.
/// So that the daemon does not, a handler passes each number with a fraction or an exponent to fits().
class ignore_json {
public:
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

    using text = boost::json::string_view;

    static bool on_document_begin(error_code&) noexcept { return true; }

    static bool on_document_end(error_code&) noexcept { return true; }

    bool on_number_part(text part, error_code& error) noexcept {
        for (const char c : part) {
            in_exponent_ = in_exponent_ || c == 'e' || c == 'E';
            const bool leading_zero = c == '0' && exponent_digits_ == 0;
            if (in_exponent_ && c >= '0' && c <= '9' && !leading_zero) {
                ++exponent_digits_;
            }
        }
        if (exponent_digits_ > max_exponent_digits) {
            error = errc::malformed_json;
            return false;
        }
        return true;
    }

    static bool on_comment_part(text, error_code&) noexcept { return true; }

    static bool on_comment(text, error_code&) noexcept { return true; }

protected:
    /// Whether the exponent of a number that ends with `last_part` is within the limit.
    bool fits(text last_part, error_code& error) noexcept {
        const bool fitting = on_number_part(last_part, error);
        forget_number();
        return fitting;
    }

    void forget_number() noexcept {
        in_exponent_ = false;
        exponent_digits_ = 0;
    }

private:
    bool in_exponent_ = false;
    std::size_t exponent_digits_ = 0;
};

} // namespace kallglot

#endif
