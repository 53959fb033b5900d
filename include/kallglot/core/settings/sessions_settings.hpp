/// Settings of the section `sessions`: how the daemon is told of sessions besides webhooks.
///
/// A plain value; globs are expanded and files are watched elsewhere.

#ifndef KALLGLOT_CORE_SETTINGS_SESSIONS_SETTINGS_HPP
#define KALLGLOT_CORE_SETTINGS_SESSIONS_SETTINGS_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace kallglot {

struct sessions_settings {
    std::vector<std::string> files; ///< absolute globs; one id a line in each file
    std::size_t max_tracked = 1'000'000;
    std::string api_token_file; ///< absolute path; empty: the session API is off

    [[nodiscard]] bool operator==(const sessions_settings&) const = default;
};

} // namespace kallglot

#endif
