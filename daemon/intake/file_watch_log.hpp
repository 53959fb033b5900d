/// Log messages of the session file watch: each problem once, and its end.

#ifndef KALLGLOT_INTAKE_FILE_WATCH_LOG_HPP
#define KALLGLOT_INTAKE_FILE_WATCH_LOG_HPP

#include "intake/folder_events.hpp"
#include "intake/glob_expansion.hpp"
#include "intake/session_list.hpp"
#include "kallglot/ports/logger.hpp"

#include <map>
#include <string>
#include <system_error>
#include <utility>

namespace kallglot {

/// Loop only. Lifetime: the logger outlives it.
class file_watch_log {
public:
    explicit file_watch_log(logger& log) : log_(log) {}

    /// Logs the result of a reading: `problem` is the reason of a failure, or empty after a success.
    void file(const std::string& path, const std::string& problem) {
        const auto logged = files_.find(path);
        if (problem.empty() && logged != files_.end()) {
            files_.erase(logged);
            log_.info("session file readable again", {{"file", path}});
        } else if (!problem.empty() && (logged == files_.end() || logged->second != problem)) {
            files_.insert_or_assign(path, problem);
            log_.warn("session file not readable: keeping its sessions",
                      {{"file", path}, {"error", problem}});
        }
    }

    /// The file is gone: the next problem at that path is logged again.
    void forget(const std::string& path) { files_.erase(path); }

    /// Line numbers and reasons, never the text of a line.
    void bad_lines(const std::string& path, const bad_line_report& report) {
        log_.warn("session file has invalid lines",
                  {{"file", path}, {"lines", report.text()}, {"count", report.count}});
    }

    /// Logs why the watch cannot see all changes at once; empty if it can.
    void folders(std::string problem) {
        if (!problem.empty() && problem != folders_) {
            log_.warn("session files not fully watched: changes may be detected late",
                      {{"problem", problem}});
        }
        folders_ = std::move(problem);
    }

    /// Logs that a task ended by an exception. That is a bug.
    void task_failed(const std::string& name, const std::string& what) {
        log_.error("session file watch stopped: unexpected exception",
                   {{"task", name}, {"error", what}});
    }

    /// Picks the worst of the reasons why changes may be seen late.
    void folders(const glob_matches& matches, const watched_folders& watched, bool has_inotify) {
        if (matches.too_many) {
            folders("too many files match: ignoring the rest");
        } else if (matches.error != 0) {
            folders("cannot list " + matches.unreadable + ": " + reason_of(matches.error));
        } else if (watched.error != 0) {
            folders("cannot watch " + watched.failed + ": " + reason_of(watched.error));
        } else {
            folders(has_inotify ? "" : "inotify unavailable: checking files once a minute");
        }
    }

private:
    static std::string reason_of(int error) { return std::generic_category().message(error); }

    logger& log_;
    std::map<std::string, std::string> files_; // logged problem of each path
    std::string folders_;
};

} // namespace kallglot

#endif
