/// Log messages of the session file watch: each problem once, and its end.

#ifndef KALLGLOT_INTAKE_FILE_WATCH_LOG_HPP
#define KALLGLOT_INTAKE_FILE_WATCH_LOG_HPP

#include "intake/session_list.hpp"
#include "kallglot/ports/logger.hpp"

#include <cstddef>
#include <map>
#include <string>
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
        log_.error("internal error: a task of the session file watch stopped",
                   {{"task", name}, {"error", what}});
    }

    /// The file has lost all its ids for now.
    void lost(const std::string& path, const std::string& what) {
        log_.info(what, {{"file", path}});
    }

    /// The ids of a file are not known any more, unless another file has them.
    void forgotten(const std::string& path, std::size_t count) {
        // They may all have come back.
        if (count == 0) {
            return;
        }
        log_.info("ids left their session file: forgotten unless another source has them",
                  {{"file", path}, {"ids", count}});
    }

    /// No file has matched since the glob is in use.
    void unmatched(const std::string& glob, const std::string& why) {
        log_.warn("no session file matches", {{"glob", glob}, {"hint", why}});
    }

private:
    logger& log_;
    std::map<std::string, std::string> files_; // logged problem of each path
    std::string folders_;
};

} // namespace kallglot

#endif
