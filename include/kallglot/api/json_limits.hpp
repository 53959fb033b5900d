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

/// What our JSON parsers accept: strict RFC 8259 (no comments, no trailing commas, valid
/// UTF-8), and no deeper than `max_json_depth`.
[[nodiscard]] inline boost::json::parse_options strict_json() noexcept {
    boost::json::parse_options options;
    options.max_depth = max_json_depth;
    return options;
}

/// Default handlers that accept and ignore events of boost::json::basic_parser. A handler hides those that it needs.
/// Sizes are not limited here, because the length of the body is.
struct ignore_json {
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

    using text = boost::json::string_view;

    static bool on_document_begin(error_code&) noexcept { return true; }

    static bool on_document_end(error_code&) noexcept { return true; }

    static bool on_number_part(text, error_code&) noexcept { return true; }

    static bool on_comment_part(text, error_code&) noexcept { return true; }

    static bool on_comment(text, error_code&) noexcept { return true; }
};

} // namespace kallglot

#endif
