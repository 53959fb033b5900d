#include "config/file_permissions.hpp"

#include <sys/stat.h>

#include <system_error>

namespace kallglot::config {

namespace {

// 0 for what is not there: then there is nothing to warn about.
mode_t mode_of(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode : 0;
}

} // namespace

std::vector<std::string> permission_warnings(const std::filesystem::path& path,
                                             file_guard guard,
                                             const std::filesystem::path& credentials_directory) {
    std::vector<std::string> warnings;
    if (path.empty()) {
        return warnings;
    }
    // Of the target of a link: it has the content, and a link has no mode of its own.
    const mode_t mode = mode_of(path);
    // The service manager sets the modes there. Its group bits are no mistake of the operator.
    const bool guarded =
        !credentials_directory.empty() && path.parent_path() == credentials_directory;
    // World-readable is a warning even in the credentials folder: the service manager never sets that.
    if (guard == file_guard::secret && (mode & S_IROTH) != 0) {
        warnings.push_back(path.string() + " is readable by all users: chmod 0400 it");
    } else if (guard == file_guard::secret && (mode & S_IRGRP) != 0 && !guarded) {
        warnings.push_back(path.string() + " is readable by its group: chmod 0400 it");
    }
    // A user that can write it chooses the secret.
    if ((mode & S_IWOTH) != 0) {
        warnings.push_back(path.string() + " is writable by all users: chmod go-w it");
    } else if ((mode & S_IWGRP) != 0 && !guarded) {
        warnings.push_back(path.string() + " is writable by its group: chmod go-w it");
    }
    // A user that can write the folder can replace the file; after a link, that of its target counts too. In a folder with the sticky
    // bit, such as a volume of Kubernetes, only the owner of a file can.
    std::error_code ignored;
    const std::filesystem::path folder = path.parent_path();
    // An error gives an empty path, which has mode 0 and no warning.
    const std::filesystem::path target = std::filesystem::canonical(path, ignored).parent_path();
    for (const auto& each : {folder, target}) {
        const mode_t access = mode_of(each);
        if ((access & (S_IWGRP | S_IWOTH)) != 0 && (access & S_ISVTX) == 0 && !guarded) {
            warnings.push_back(path.string() + " is in a folder that others can write: chmod go-w "
                               + each.string());
            // One warning is enough, although both folders may be open.
            break;
        }
    }
    return warnings;
}

} // namespace kallglot::config
