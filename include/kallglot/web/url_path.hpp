/// Comparison of request paths. Paths are compared as received: nothing is unescaped or normalized.

#ifndef KALLGLOT_WEB_URL_PATH_HPP
#define KALLGLOT_WEB_URL_PATH_HPP

#include <string_view>

namespace kallglot {

/// Whether a path equals `place` or is below it: `/api/v1` is below `/api`, `/apis` is not.
[[nodiscard]] constexpr bool is_below(std::string_view path, std::string_view place) noexcept {
    return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

static_assert(is_below("/api", "/api") && is_below("/api/v1", "/api"));
static_assert(!is_below("/apis", "/api") && !is_below("/ap", "/api"));

} // namespace kallglot

#endif
