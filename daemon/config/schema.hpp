/// The one table of all configuration keys: path, type, range, help, and what a change asks for.
///
/// Validation, hints, the reference in config/README.md, config/example.yml, the effective configuration and the
/// differences of a reload are all driven by it, so that none of them can forget a key. Defaults are not in it:
/// they are the member initialisers of `settings`. Rules between keys are not in it either (config_file).

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

/// Where a value lives inside `settings`.
template <class T>
using place = T& (*)(settings&);

struct duration_value {
    place<std::chrono::milliseconds> at;
    std::chrono::milliseconds min;
    std::chrono::milliseconds max;
};

/// Strictly rising durations, at most `max_thresholds`.
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

/// Ranges in parts of one.
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

struct base_url_value {
    place<api_endpoint> at;
};

struct proxy_value {
    place<std::optional<proxy_endpoint>> at;
};

struct listen_value {
    place<std::optional<listen_address>> at;
};

/// A path; relative ones start at the folder of the configuration.
struct file_value {
    place<std::string> at;
    bool holds_secret;
};

struct file_list_value {
    place<std::vector<std::string>> at;
    bool holds_secrets; ///< else a list of globs
};

struct store_path_value {
    place<std::string> at;
};

/// The path of a URL that we serve.
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
                                   base_url_value,
                                   proxy_value,
                                   listen_value,
                                   file_value,
                                   file_list_value,
                                   store_path_value,
                                   route_value>;

/// What it takes until a changed key counts.
enum class change_effect {
    reload,  ///< a reload applies it
    restart, ///< a reload names it and leaves the old value in force
};

struct key_spec {
    std::string_view path; ///< such as `poll.intervals.created`
    value_binding binding;
    change_effect on_change;
    std::string_view help; ///< what it does, for operators
};

/// All keys in the order of the documentation; keys of one section stand together.
[[nodiscard]] std::span<const key_spec> schema();

/// The key with this path; nullptr if there is none.
[[nodiscard]] const key_spec* find_key(std::string_view path);

/// Whether other keys lie under this path, as `api` or `poll.intervals`.
[[nodiscard]] bool is_section(std::string_view path);

/// The known key or section that this unknown path resembles most.
struct nearest_key {
    std::string path;
    bool close = false; ///< near enough to be a slip of the finger
};

[[nodiscard]] nearest_key find_nearest_key(std::string_view path);

} // namespace kallglot::config

#endif
