#include "config/schema_values.hpp"
#include "kallglot/config/reference.hpp"

#include <utility>

namespace kallglot::config {

std::vector<config_change> diff(const settings& before, const settings& after) {
    std::vector<config_change> changes;
    // In the order of the schema, so that the log lists changes as the documents list keys.
    for (const key_spec& key : schema()) {
        // Equal texts parse as equal values, so comparing texts compares values of every type.
        std::string old_text = print_value(key.binding, before);
        std::string new_text = print_value(key.binding, after);
        if (old_text != new_text) {
            changes.push_back({key.path, std::move(old_text), std::move(new_text), key.on_change});
        }
    }
    return changes;
}

std::string to_string(const config_change& change) {
    const auto shown = [](const std::string& text) {
        // An unset value would leave a gap beside the arrow.
        return text.empty() ? "(none)" : text;
    };
    std::string text =
        std::string(change.path) + ": " + shown(change.before) + " -> " + shown(change.after);
    if (change.effect == change_effect::restart) {
        text += " (requires a restart)";
    }
    return text;
}

} // namespace kallglot::config
