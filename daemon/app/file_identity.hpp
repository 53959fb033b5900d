/// Detects changes of a file by its identity, size and time of change, without watching its folder.
///
/// Secrets and certificates can be symlinks that are swapped, bind mounts, or credentials of the service manager. A change
/// of any of them changes these values.

#ifndef KALLGLOT_APP_FILE_IDENTITY_HPP
#define KALLGLOT_APP_FILE_IDENTITY_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {

/// What changes when a file is rewritten, replaced or linked elsewhere.
struct file_identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed_ns = 0;

    /// Empty if there is no such file. Blocking: a stat.
    [[nodiscard]] static std::optional<file_identity> of(const std::string& path);

    bool operator==(const file_identity&) const = default;
};

/// The state of several files that belong together, for example a certificate and its key, at one moment.
///
/// Take it before the files are read: then a change while they are read is detected afterwards.
class file_group {
public:
    file_group() = default;

    /// The present state of these files. Empty paths are ignored.
    explicit file_group(std::vector<std::string> paths);

    /// Adds the present state of more files. Empty paths are ignored.
    void add(std::vector<std::string> paths);

    /// These files as if they had not been read yet: the next check finds a change.
    [[nodiscard]] static file_group unread(std::vector<std::string> paths);

    [[nodiscard]] bool empty() const noexcept { return files_.empty(); }

    /// The present state of the same files. Blocking: a stat for each.
    [[nodiscard]] file_group again() const;

    /// Equal: the same files, and none has changed.
    bool operator==(const file_group&) const = default;

private:
    std::vector<std::pair<std::string, std::optional<file_identity>>> files_;
};

} // namespace kallglot

#endif
