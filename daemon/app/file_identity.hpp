/// Has a file changed? Its identity and time are looked at, instead of watching its folder.
///
/// Secrets and certificates come as symlinks that are swapped, as bind mounts and as credentials of the service
/// manager; each of them changes these.

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
    [[nodiscard]] static std::optional<file_identity> of(const std::string& path) noexcept;

    bool operator==(const file_identity&) const = default;
};

/// Several files that belong together, such as a certificate and its key, as they were at one moment.
///
/// To be taken before they are read: what changes while they are read is seen as a change then.
class file_group {
public:
    file_group() = default;

    /// These as they are now; empty paths are none.
    explicit file_group(std::vector<std::string> paths);

    /// These too, as they are now; empty paths are none.
    void add(std::vector<std::string> paths);

    /// These as if nobody had read them yet: the next look finds a change in each that is there.
    [[nodiscard]] static file_group unread(std::vector<std::string> paths);

    [[nodiscard]] bool empty() const noexcept { return files_.empty(); }

    /// The same files as they are now. Blocking: a stat for each.
    [[nodiscard]] file_group again() const;

    /// The same files, and none has changed from one look to the other.
    bool operator==(const file_group&) const = default;

private:
    std::vector<std::pair<std::string, std::optional<file_identity>>> files_;
};

} // namespace kallglot

#endif
