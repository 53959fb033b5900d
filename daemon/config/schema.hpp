/// The schema: one table of all configuration keys with path, type, range, help and the effect of a change.
///
/// Validation, hints, the reference in config/README.md, config/example.yml, the effective configuration and the
/// difference of a reload all use this table, so none of them can miss a key. Defaults are the member initialisers of
/// `settings`. Rules between keys are in config_parsing.

#ifndef KALLGLOT_CONFIG_SCHEMA_HPP
#define KALLGLOT_CONFIG_SCHEMA_HPP

#include "kallglot/settings/settings.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kallglot::config {

/// Accessor of a value inside `settings`.
template <class T>
using place = T& (*)(settings&);

struct duration_value {
    place<std::chrono::milliseconds> at;
    std::chrono::milliseconds min;
    std::chrono::milliseconds max;
};

/// Durations in strictly ascending order, at most `max_thresholds`.
struct duration_list_value {
    place<std::vector<std::chrono::milliseconds>> at;
    std::chrono::milliseconds min;
    std::chrono::milliseconds max;
};

struct size_value {
    place<std::size_t> at;
    std::size_t min;
    std::size_t max;
};

struct count_value {
    place<std::size_t> at;
    std::size_t min;
    std::size_t max;
};

struct flag_value {
    place<bool> at;
};

/// Values and bounds are fractions of one: 0.5 is 50%.
struct percent_value {
    place<double> at;
    double min;
    double max;
};

struct rate_value {
    place<rate> at;
};

struct rate_limit_value {
    place<rate_limit_setting> at;
};

struct http_version_value {
    place<http_version_choice> at;
};

struct base_url_value {
    place<api_endpoint> at;
};

struct proxy_value {
    place<std::optional<proxy_endpoint>> at;
};

/// Empty, or a user name for Basic authentication.
struct user_name_value {
    place<std::string> at;
};

struct listen_value {
    place<std::optional<listen_address>> at;
};

/// A path; a relative one starts at the folder of the configuration file.
struct file_value {
    place<std::string> at;
    bool holds_secret;
};

struct file_list_value {
    place<std::vector<std::string>> at;
    bool holds_secrets; ///< false: a list of globs
};

struct store_path_value {
    place<std::string> at;
};

/// The path of a URL that the daemon serves.
struct route_value {
    place<std::string> at;
};

using value_binding = std::variant<duration_value,
                                   duration_list_value,
                                   size_value,
                                   count_value,
                                   flag_value,
                                   percent_value,
                                   rate_value,
                                   rate_limit_value,
                                   http_version_value,
                                   base_url_value,
                                   proxy_value,
                                   user_name_value,
                                   listen_value,
                                   file_value,
                                   file_list_value,
                                   store_path_value,
                                   route_value>;

/// When a changed value takes effect.
enum class change_effect {
    reload,  ///< at a reload
    restart, ///< at a restart; a reload logs the key and does not apply it
};

struct key_spec {
    std::string_view path; ///< for example `poll.intervals.created`
    value_binding binding;
    change_effect on_change;
    std::string_view help; ///< the effect of the key, for operators
};

/// All keys in the order of the documentation, grouped by section.
[[nodiscard]] std::span<const key_spec> schema();

/// The key with this path; nullptr if there is none.
[[nodiscard]] const key_spec* find_key(std::string_view path);

/// Whether the path is a section, for example `api` or `poll.intervals`.
[[nodiscard]] bool is_section(std::string_view path);

/// The known key or section most similar to an unknown path.
struct nearest_key {
    std::string path;
    bool close = false; ///< similar enough to assume a typing error
};

[[nodiscard]] nearest_key find_nearest_key(std::string_view path);

} // namespace kallglot::config

#endif
