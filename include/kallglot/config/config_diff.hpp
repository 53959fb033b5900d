/// The difference of two configurations, key by key, for the log and for the answer to a reload.

#ifndef KALLGLOT_CONFIG_CONFIG_DIFF_HPP
#define KALLGLOT_CONFIG_CONFIG_DIFF_HPP

#include "config/schema.hpp"
#include "kallglot/settings/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// One changed key with both values as YAML; an empty text means "not set". Secrets are not part of the settings, so a
/// changed secret in a file of the same name does not appear.
struct config_change {
    std::string_view path;
    std::string before;
    std::string after;
    change_effect effect = change_effect::reload;
};

/// All keys whose values differ, in the order of the schema.
[[nodiscard]] std::vector<config_change> diff(const settings& before, const settings& after);

/// `api.max_connections: 256 -> 512`, with ` (requires a restart)` for a key that a reload does not apply.
[[nodiscard]] std::string to_string(const config_change& change);

} // namespace kallglot::config

#endif
