/// From globs to the files that match them now, and the folders where others may appear.
///
/// It exists beside glob(3) because the watch needs the folders too, and must tell a folder that is not there from
/// one that cannot be read. It deliberately knows no `**`, braces or `~`.

#ifndef KALLGLOT_INTAKE_GLOB_EXPANSION_HPP
#define KALLGLOT_INTAKE_GLOB_EXPANSION_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// What globs stand for at this moment; both lists are sorted and without repetition.
struct glob_matches {
    std::vector<std::string>
        files; ///< paths that are no folders; what they are is not asked further
    std::vector<std::string>
        folders;            ///< where a change may change the matches or the content of the files
    std::string unreadable; ///< one folder that exists and cannot be listed; empty if there is none
    int error = 0;          ///< its errno
    bool too_many = false;  ///< more than the limit matched; `files` holds some of them
};

/// Expands absolute globs: `*`, `?`, `[...]` and `\` in any component; a leading dot must be spelled out.
///
/// The folders of a symbolic link's target are among the folders, and, for a folder that does not exist yet, the
/// nearest one above it that does.
/// Cost: blocks on the folders; lists each folder that a wildcard looks into.
[[nodiscard]] glob_matches expand_globs(const std::vector<std::string>& globs, std::size_t most);

/// One spelling for each path: without `.`, `..` and repeated slashes.
[[nodiscard]] std::string normal_glob(const std::string& glob);

/// Whether a path that is not there now would match a normal glob.
[[nodiscard]] bool glob_accepts(const std::string& glob, const std::string& path);

} // namespace kallglot

#endif
