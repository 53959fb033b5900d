/// Expansion of globs into the files that match now and the folders where others may appear.
///
/// Used instead of glob(3) because the watch needs the folders too, and must distinguish a missing folder from an
/// unreadable one. It deliberately does not support `**`, braces or `~`.

#ifndef KALLGLOT_INTAKE_GLOB_EXPANSION_HPP
#define KALLGLOT_INTAKE_GLOB_EXPANSION_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// What the globs match at this moment; both lists are sorted and without repetition.
struct glob_matches {
    std::vector<std::string>
        files; ///< paths that are not folders; their kind is not checked further
    std::vector<std::string> folders; ///< where a change may change the matches or a file's content
    std::string unreadable; ///< a folder that exists and cannot be listed; empty if there is none
    int error = 0;          ///< its errno
    bool too_many = false;  ///< more than the limit matched; `files` holds some of them
};

/// Expands absolute globs: `*`, `?`, `[...]` and `\` in any component; a leading dot must be spelled out.
///
/// The folders include that of a symbolic link's target. For a folder that does not exist yet they include the nearest
/// one above it that does.
/// Cost: blocks on the file system; lists each folder that a wildcard matches in.
[[nodiscard]] glob_matches expand_globs(const std::vector<std::string>& globs,
                                        std::size_t max_files);

/// One spelling for each path: without `.`, `..` and repeated slashes.
[[nodiscard]] std::string normal_glob(const std::string& glob);

/// Whether a path would match a normal glob, whether or not it exists.
[[nodiscard]] bool glob_accepts(const std::string& glob, const std::string& path);

} // namespace kallglot

#endif
