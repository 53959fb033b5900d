/// Settings of the section `store`: where session ids are kept across restarts.

#ifndef KALLGLOT_CORE_SETTINGS_STORE_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_STORE_SETTINGS_HPP

#include <string>

namespace kallglot {

struct store_settings {
    std::string path = "sessions.db"; ///< absolute once loaded, or ":memory:" for trials

    [[nodiscard]] bool in_memory() const { return path == ":memory:"; }

    [[nodiscard]] bool operator==(const store_settings&) const = default;
};

} // namespace kallglot

#endif
