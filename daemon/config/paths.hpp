/// Reads the paths and globs of both configuration files. Private to this room.

#ifndef KALLGLOT_CONFIG_PATHS_HPP
#define KALLGLOT_CONFIG_PATHS_HPP

#include "config/parsed.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kallglot::config {

/// The path of `text`; a relative one starts at `folder`. A `..` is not resolved, because after a symbolic link it
/// leads elsewhere than the text suggests.
///
/// Errors: an empty text, a path that is too long, or a secret in place of the name of its file. The message does not
///         repeat the text; callers must not either.
[[nodiscard]] parsed<std::string> read_path(std::string_view text,
                                            const std::filesystem::path& folder);

/// Why a file that is not there is more probably a secret in place of its file's name: a name of 20 or more characters without
/// a dot, beside the configuration in `folder`. Empty if the file exists, or the name looks like one.
///
/// Nothing else may then be said about the path, which would repeat the secret.
/// Cost: blocks on the file.
[[nodiscard]] std::string why_not_a_file(const std::filesystem::path& path,
                                         const std::filesystem::path& folder);

/// The same for a glob; wildcards count in `text` only, not in the name of the folder.
[[nodiscard]] parsed<std::string> read_glob(std::string_view text,
                                            const std::filesystem::path& folder);

} // namespace kallglot::config

#endif
