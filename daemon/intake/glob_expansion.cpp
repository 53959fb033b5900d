#include "intake/glob_expansion.hpp"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace kallglot {

namespace {

bool has_wildcard(std::string_view text) {
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

// Whether the errno only means that the path does not exist.
bool means_absent(int error) {
    return error == ENOENT || error == ENOTDIR;
}

struct folder_closer {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

// Walks the components of one glob after the other.
class expander {
public:
    expander(glob_matches& matches, std::size_t max_files)
        : matches_(matches),
          max_files_(max_files) {}

    // `base` is empty or ends with a slash and exists; `rest` has no slash in front.
    void walk(const std::string& base, std::string_view rest) {
        // One call handles one component; the components behind it are handled by recursion.
        const std::size_t slash = rest.find('/');
        const std::string component(rest.substr(0, slash));
        const bool last = slash == std::string_view::npos;
        const std::string_view deeper = last ? std::string_view() : rest.substr(slash + 1);
        // Only a component with a wildcard needs a listing of its folder. A plain name costs one stat.
        if (has_wildcard(component)) {
            list(base, component, deeper, last);
        } else if (last) {
            // The file may not exist yet: its folder is watched so that its creation is seen.
            watch(base);
            add_named(base + component);
        } else {
            descend(base, component, deeper);
        }
    }

private:
    void watch(const std::string& folder) { matches_.folders.push_back(folder); }

    void descend(const std::string& base, const std::string& name, std::string_view deeper) {
        struct stat status{};
        if (::stat((base + name).c_str(), &status) != 0) {
            // The nearest folder above that exists is watched until the missing one appears.
            note(base + name, errno);
            watch(base);
        } else if (S_ISDIR(status.st_mode)) {
            walk(base + name + '/', deeper);
        } else {
            // A file stands where a folder is named. It may be replaced by a folder later.
            watch(base);
        }
    }

    // A path that does not exist yet is not a fault.
    void note(const std::string& folder, int error) {
        if (!means_absent(error)) {
            matches_.unreadable = folder;
            matches_.error = error;
        }
    }

    // A file named in full is added even if lstat fails, so that its reader logs the reason.
    void add_named(const std::string& path) {
        struct stat status{};
        if (::lstat(path.c_str(), &status) == 0 || !means_absent(errno)) {
            add(path, S_ISLNK(status.st_mode));
        }
    }

    void add(const std::string& path, bool may_be_link) {
        // A bound for globs like /*/* that could match a whole disk.
        if (matches_.files.size() >= max_files_) {
            matches_.too_many = true;
            return;
        }
        matches_.files.push_back(path);
        if (may_be_link) {
            // A change of the target makes no event in the folder of the link, so the folder of the target is
            // watched too.
            std::error_code failed;
            const std::filesystem::path target = std::filesystem::canonical(path, failed);
            if (!failed) {
                watch(target.parent_path().string() + '/');
            }
        }
    }

    void list(const std::string& base,
              const std::string& pattern,
              std::string_view deeper,
              bool last) {
        const std::unique_ptr<DIR, folder_closer> folder(::opendir(base.c_str()));
        if (!folder) {
            note(base, errno);
            return;
        }
        watch(base);
        while (const dirent* entry = ::readdir(folder.get())) {
            const std::string name = static_cast<const char*>(entry->d_name);
            // A leading dot must be spelled out (FNM_PERIOD), as in a shell: editors keep temporary files under
            // such names.
            if (name == "." || name == ".."
                || ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) != 0) {
                continue;
            }
            if (!last) {
                descend(base, name, deeper);
            } else if (entry->d_type != DT_DIR) {
                // File systems that do not report the type may hide a link behind DT_UNKNOWN.
                add(base + name, entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
            }
        }
    }

    glob_matches& matches_;
    std::size_t max_files_;
};

void sort_and_unite(std::vector<std::string>& paths) {
    std::ranges::sort(paths);
    const auto repeated = std::ranges::unique(paths);
    paths.erase(repeated.begin(), repeated.end());
}

} // namespace

glob_matches expand_globs(const std::vector<std::string>& globs, std::size_t max_files) {
    glob_matches matches;
    expander over(matches, max_files);
    for (const std::string& glob : globs) {
        const bool absolute = glob.starts_with('/');
        // Settings have absolute globs only. A relative one starts at the current folder.
        over.walk(absolute ? "/" : "./", std::string_view(glob).substr(absolute ? 1 : 0));
    }
    // Several globs may match one file; it must be read once.
    sort_and_unite(matches.files);
    sort_and_unite(matches.folders);
    return matches;
}

std::string normal_glob(const std::string& glob) {
    return std::filesystem::path(glob).lexically_normal().string();
}

bool glob_accepts(const std::string& glob, const std::string& path) {
    return ::fnmatch(glob.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

} // namespace kallglot
