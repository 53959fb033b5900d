#include "intake/secret_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace kallglot {

namespace {

// A secret that is rotated once a minute fills it in a day; then the oldest are forgotten.
constexpr std::size_t max_files = 1024;

} // namespace

secret_identities find_secrets(const secret_paths& paths, secret_identities found) {
    for (const std::string& path : paths.files) {
        file_observer::notify(path);
        struct stat status{};
        // stat, not lstat: the secret itself may be configured through a link.
        if (::stat(path.c_str(), &status) != 0) {
            continue;
        }
        // Device and inode and no path: another path, a hard link or a bind mount leads to the same pair.
        const std::pair file(status.st_dev, status.st_ino);
        // Old identities stay: a secret that was rotated away is still a secret.
        if (std::ranges::find(found.files, file) == found.files.end()) {
            found.files.push_back(file);
        }
    }
    if (found.files.size() > max_files) {
        // The oldest: a secret that was rotated long ago gives the least away.
        found.files.erase(found.files.begin());
    }
    if (paths.credentials_directory.empty()) {
        return found;
    }
    file_observer::notify(paths.credentials_directory);
    std::error_code failed;
    const std::filesystem::path real =
        // Compared with the real path of a file, so it must be free of links, too.
        std::filesystem::canonical(paths.credentials_directory, failed);
    struct stat folder{};
    struct stat parent{};
    if (failed || ::stat(real.c_str(), &folder) != 0
        || ::stat(real.parent_path().c_str(), &parent) != 0) {
        return found;
    }
    found.credentials_directory = real.string() + '/';
    // The service manager mounts a file system there. Then no path into it is missed, however it leads there.
    found.credentials_device.reset();
    if (folder.st_dev != parent.st_dev) {
        found.credentials_device = folder.st_dev;
    }
    return found;
}

std::string why_secret(const opened_file& file, const secret_identities& secrets) {
    const std::pair identity(file.status.st_dev, file.status.st_ino);
    if (std::ranges::find(secrets.files, identity) != secrets.files.end()) {
        return "it is a secret of the configuration";
    }
    // Two ways: by the real path, and by the device, which holds for bind mounts and hard links too.
    const bool inside = !secrets.credentials_directory.empty()
                        && file.real_path.starts_with(secrets.credentials_directory);
    if (inside || secrets.credentials_device == file.status.st_dev) {
        return "it is in the credentials directory of the service";
    }
    return {};
}

bool looks_like_a_secret(std::string_view line) noexcept {
    // Prefixes of keys, webhook secrets and tokens. No id of a session begins with one of them.
    constexpr std::array<std::string_view, 3> prefixes = {"sk_", "whsec_", "kst_"};
    return std::ranges::any_of(prefixes, [line](std::string_view prefix) {
        return line.starts_with(prefix);
    });
}

} // namespace kallglot
