/// Port through which the private listener shows and reloads the configuration.

#ifndef KALLGLOT_PORTS_CONFIG_CONTROL_HPP
#define KALLGLOT_PORTS_CONFIG_CONTROL_HPP

#include "kallglot/async/task.hpp"

#include <string>
#include <vector>

namespace kallglot {

/// The result of a reload. Without `done` nothing has changed.
struct reload_outcome {
    bool done = false;
    std::vector<std::string> messages; ///< done: the changes; else the errors. No secrets.
};

/// Loop only.
class config_control {
public:
    virtual ~config_control() = default;

    /// Reloads the configuration. One reload at a time; further callers wait for their turn.
    [[nodiscard]] virtual task<reload_outcome> reload() = 0;

    /// The active configuration as YAML; secrets are shown as `<secret>`.
    [[nodiscard]] virtual std::string effective() const = 0;

protected:
    config_control() = default;
    config_control(const config_control&) = default;
    config_control& operator=(const config_control&) = default;
};

} // namespace kallglot

#endif
