/// What a reload would change, key by key, for the log and for the answer to a reload.

#ifndef KALLGLOT_CONFIG_CONFIG_DIFF_HPP
#define KALLGLOT_CONFIG_CONFIG_DIFF_HPP

#include "config/schema.hpp"
#include "kallglot/settings/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// One changed key with its values as YAML; an empty text means "not set". Secrets are no part of settings, so a
/// secret whose file kept its name does not appear.
struct config_change {
    std::string_view path;
    std::string before;
    std::string after;
    change_effect effect = change_effect::reload;
};

/// All keys whose values differ, in the order of the schema.
[[nodiscard]] std::vector<config_change> diff(const settings& before, const settings& after);

/// `api.max_connections: 256 -> 512`, with ` (requires a restart)` where that is so.
[[nodiscard]] std::string to_string(const config_change& change);

} // namespace kallglot::config

#endif
