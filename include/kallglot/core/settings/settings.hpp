/// The whole configuration as one value: one struct a section, every member at the contract's default.
///
/// One immutable snapshot of it is in force at a time and is swapped whole on reload. Default-constructed it is
/// what an empty file would mean, except that `api.key_file` has no default.

#ifndef KALLGLOT_CORE_SETTINGS_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_SETTINGS_HPP

#include "kallglot/core/settings/api_settings.hpp"
#include "kallglot/core/settings/metrics_settings.hpp"
#include "kallglot/core/settings/poll_settings.hpp"
#include "kallglot/core/settings/sessions_settings.hpp"
#include "kallglot/core/settings/store_settings.hpp"
#include "kallglot/core/settings/webhook_settings.hpp"

#include <chrono>

namespace kallglot {

struct settings {
    api_settings api{};
    poll_settings poll{};
    threshold_settings thresholds{};
    sessions_settings sessions{};
    webhook_settings webhook{};
    store_settings store{};
    metrics_settings metrics{};
    std::chrono::milliseconds shutdown_grace = std::chrono::seconds(10);

    [[nodiscard]] bool operator==(const settings&) const = default;
};

} // namespace kallglot

#endif
