#include "intake/glob_expansion.hpp"

#include "kallglot/files/operator_file.hpp"

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
    expander(glob_matches& matches, const glob_limits& limits, const folder_watcher& watch)
        : matches_(matches),
          limits_(limits),
          watch_(watch) {}

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
    void watch(const std::string& folder) {
        file_observer::notify(folder);
        matches_.folders.push_back(folder);
        if (watch_) {
            // Before the folder is listed: a file that appears in between causes an event.
            watch_(folder);
        }
    }

    void descend(const std::string& base, const std::string& name, std::string_view deeper) {
        file_observer::notify(base + name);
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
            // The last one is enough for the log.
            matches_.unreadable = folder;
            matches_.error = error;
        }
    }

    // A file named in full is added even if lstat fails, so that its reader logs the reason.
    void add_named(const std::string& path) {
        file_observer::notify(path);
        struct stat status{};
        if (::lstat(path.c_str(), &status) == 0 || !means_absent(errno)) {
            add(path);
        }
    }

    void add(const std::string& path) {
        // A bound for globs like /*/* that could match a whole disk.
        if (matches_.files.size() >= limits_.max_files) {
            matches_.too_many = true;
            return;
        }
        matches_.files.push_back(path);
    }

    void list(const std::string& base,
              const std::string& pattern,
              std::string_view deeper,
              bool last) {
        watch(base);
        const std::unique_ptr<DIR, folder_closer> folder(::opendir(base.c_str()));
        if (!folder) {
            note(base, errno);
            return;
        }
        while (const dirent* entry = ::readdir(folder.get())) {
            // Entries of all folders together: a folder of a million files, or a glob over many folders, ends here
            // too.
            if (++entries_ > limits_.max_entries) {
                matches_.too_many = true;
                return;
            }
            const std::string name = static_cast<const char*>(entry->d_name);
            // A leading dot must be spelled out (FNM_PERIOD), as in a shell: editors keep temporary files under
            // such names.
            if (name == "." || name == ".."
                || ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) != 0) {
                continue;
            }
            // d_type may be unknown on some file systems, so descend() asks stat.
            if (!last) {
                descend(base, name, deeper);
                // A link counts as a file. Its reader finds out what it leads to.
            } else if (entry->d_type != DT_DIR) {
                add(base + name);
            }
        }
    }

    glob_matches& matches_;
    const glob_limits& limits_;
    const folder_watcher& watch_;
    std::size_t entries_ = 0;
};

void sort_and_unite(std::vector<std::string>& paths) {
    std::ranges::sort(paths);
    const auto repeated = std::ranges::unique(paths);
    paths.erase(repeated.begin(), repeated.end());
}

} // namespace

glob_matches expand_globs(const std::vector<std::string>& globs,
                          const glob_limits& limits,
                          const folder_watcher& watch) {
    glob_matches matches;
    expander over(matches, limits, watch);
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

std::string why_unmatched(const std::string& glob) {
    // Relative globs start at the folder of the configuration, so the tilde is in the middle of the path.
    if (glob.find("/~") != std::string::npos) {
        return "~ is not expanded: write the path in full";
    }
    if (glob.find("**") != std::string::npos) {
        return "** matches within one folder only: write */ for each folder in between";
    }
    if (glob.find('{') != std::string::npos) {
        return "{} is not expanded: list several globs";
    }
    if (glob.starts_with("/tmp/") || glob.starts_with("/var/tmp/")) {
        return "under systemd the service has a /tmp of its own (PrivateTmp)";
    }
    return {};
}

std::string normal_glob(const std::string& glob) {
    return std::filesystem::path(glob).lexically_normal().string();
}

bool glob_accepts(const std::string& glob, const std::string& path) {
    // FNM_PATHNAME: a star does not match a slash, as in the walk above.
    return ::fnmatch(glob.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

} // namespace kallglot
