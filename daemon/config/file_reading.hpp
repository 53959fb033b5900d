/// Reads small regular files completely, with a size limit; never blocks on a pipe or device.

#ifndef KALLGLOT_CONFIG_FILE_READING_HPP
#define KALLGLOT_CONFIG_FILE_READING_HPP

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::config {

/// The result of reading a file: `reason` is empty on success.
struct file_contents {
    std::vector<char> bytes;
    mode_t mode = 0;        ///< permissions as stat(2) gives them
    bool too_large = false; ///< longer than the limit; `bytes` is empty, `reason` set
    std::string reason;     ///< for example `No such file or directory`, without the path
};

/// Reads a regular file of at most `limit` bytes; a directory, pipe or device is an error.
///
/// Cost: blocks on the file, never on a pipe without a writer.
[[nodiscard]] file_contents read_file(const std::filesystem::path& path, std::size_t limit);

/// Checks that a regular file can be opened for reading. Empty, or the reason why not.
[[nodiscard]] std::string check_readable(const std::filesystem::path& path);

} // namespace kallglot::config

#endif
