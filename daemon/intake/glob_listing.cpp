#include "intake/glob_listing.hpp"

#include <system_error>

namespace kallglot {

namespace {

std::string reason_of(int error) {
    return std::generic_category().message(error);
}

} // namespace

void glob_listing::list(folder_watches begun) {
    watches = std::move(begun);
    // On a worker: the folders may be on a network file system.
    matches = expand_globs({glob}, {}, [this](const std::string& folder) { watches.add(folder); });
}

std::string problem_of(const std::vector<std::shared_ptr<glob_listing>>& globs,
                       std::size_t max_files) {
    // One line of the log for all folders: many of them fail together when a limit of inotify is reached.
    std::string watching;
    std::string listing;
    std::size_t files = 0;
    for (const auto& one : globs) {
        files += one->matches.files.size();
        // Two limits: of one glob, and of all globs together.
        if (one->matches.too_many || files > max_files) {
            // This problem first, because it means that ids are missing now.
            return "too many files in the folders of " + one->glob + ": ignoring the rest";
        }
        if (one->matches.error != 0) {
            listing =
                "cannot list " + one->matches.unreadable + ": " + reason_of(one->matches.error);
        }
        if (one->watches.error() != 0) {
            watching =
                "cannot watch " + one->watches.failed() + ": " + reason_of(one->watches.error());
        }
    }
    // A folder that cannot be listed hides ids; one that cannot be watched is only noticed late.
    return listing.empty() ? watching : listing;
}

std::vector<std::string> unmatched_globs(const std::vector<std::string>& globs) {
    std::vector<std::string> notes;
    for (const std::string& glob : globs) {
        if (expand_globs({glob}, {}).files.empty()) {
            const std::string why = why_unmatched(glob);
            notes.push_back(glob + " matches no file now" + (why.empty() ? "" : ": " + why));
        }
    }
    return notes;
}

} // namespace kallglot
