/// The port through which the private listener shows the configuration and has it read again.

#ifndef KALLGLOT_PORTS_CONFIG_CONTROL_HPP
#define KALLGLOT_PORTS_CONFIG_CONTROL_HPP

#include "kallglot/async/task.hpp"

#include <string>
#include <vector>

namespace kallglot {

/// What became of a reload. All or nothing: without `done` nothing has changed.
struct reload_outcome {
    bool done = false;
    std::vector<std::string> messages; ///< done: what changed; else what is wrong. No secrets.
};

/// Loop only.
class config_control {
public:
    virtual ~config_control() = default;

    /// Reads the configuration again and puts it in force. One at a time; who comes meanwhile waits for a turn.
    [[nodiscard]] virtual task<reload_outcome> reload() = 0;

    /// What is in force, as YAML; secrets are shown as `<secret>`.
    [[nodiscard]] virtual std::string effective() const = 0;

protected:
    config_control() = default;
    config_control(const config_control&) = default;
    config_control& operator=(const config_control&) = default;
};

} // namespace kallglot

#endif
