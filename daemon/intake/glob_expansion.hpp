/// Expansion of globs into the files that match now and the folders where others may appear.
///
/// Used instead of glob(3) because the watch needs the folders too, and must distinguish a missing folder from an
/// unreadable one. It deliberately does not support `**`, braces or `~`.

#ifndef KALLGLOT_INTAKE_GLOB_EXPANSION_HPP
#define KALLGLOT_INTAKE_GLOB_EXPANSION_HPP

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// What the globs match at this moment; both lists are sorted and without repetition.
struct glob_matches {
    std::vector<std::string>
        files; ///< paths that are not folders; their kind is not checked further
    std::vector<std::string> folders; ///< where a change may change the matches
    std::string unreadable; ///< a folder that exists and cannot be listed; empty if there is none
    int error = 0;          ///< its errno
    bool too_many = false;  ///< more than a limit; `files` holds some of the matches
};

/// What one expansion looks at. A program that fills a folder must not hold the watch.
struct glob_limits {
    std::size_t max_files = 10'000;
    std::size_t max_entries = 100'000; ///< of all folders together, whether they match or not
};

/// Called with each folder before it is listed, so that no file that appears later is missed.
using folder_watcher = std::function<void(const std::string& folder)>;

/// Expands absolute globs: `*`, `?`, `[...]` and `\` in any component; a leading dot must be spelled out.
///
/// For a folder that does not exist yet the folders include the nearest one above it that does. Links to files are not
/// followed: their target may be on a file system that does not answer.
/// Cost: blocks on the file system; lists each folder that a wildcard matches in. Any thread.
[[nodiscard]] glob_matches expand_globs(const std::vector<std::string>& globs,
                                        const glob_limits& limits,
                                        const folder_watcher& watch = {});

/// One spelling for each path: without `.`, `..` and repeated slashes.
[[nodiscard]] std::string normal_glob(const std::string& glob);

/// Why a glob that matches no file may not be what the operator meant, for example `~ is not expanded`; or empty.
[[nodiscard]] std::string why_unmatched(const std::string& glob);

/// Whether a path would match a normal glob, whether or not it exists.
[[nodiscard]] bool glob_accepts(const std::string& glob, const std::string& path);

} // namespace kallglot

#endif
