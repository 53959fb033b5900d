/// Paths as operators write them in either file. Private to this module.

#ifndef KALLGLOT_CONFIG_PATHS_HPP
#define KALLGLOT_CONFIG_PATHS_HPP

#include "config/parsed.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kallglot::config {

/// The path that `text` means when relative ones start at `folder`. A `..` stays as it is, since behind a symbolic
/// link it leads elsewhere than the text says.
///
/// Errors: empty, longer than any path, or the secret itself where the name of its file belongs; the text is not
///         repeated in the message, nor may the caller do it.
[[nodiscard]] parsed<std::string> read_path(std::string_view text,
                                            const std::filesystem::path& folder);

/// The same for a glob: what looks like a wildcard in the name of the folder is none.
[[nodiscard]] parsed<std::string> read_glob(std::string_view text,
                                            const std::filesystem::path& folder);

} // namespace kallglot::config

#endif
