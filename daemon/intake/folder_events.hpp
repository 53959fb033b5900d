/// Reports changes in a set of folders: inotify as a coroutine.
///
/// It hides descriptors and watch numbers. It deliberately does not report what changed: events can be lost, and one
/// change can cause several, so the owner compares its files anyway.

#ifndef KALLGLOT_INTAKE_FOLDER_EVENTS_HPP
#define KALLGLOT_INTAKE_FOLDER_EVENTS_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <map>
#include <string>
#include <vector>

namespace kallglot {

/// What use_folders() did.
struct watched_folders {
    bool added = false; ///< at least one folder is newly watched: its files must be listed again
    int error = 0;      ///< errno of the first folder that cannot be watched
    std::string failed; ///< that folder
};

/// One inotify instance. Loop only.
class folder_events {
public:
    explicit folder_events(const loop_executor& executor);

    /// Gets the descriptor. Errors: the system's (out of descriptors or instances); the caller may retry.
    [[nodiscard]] error_code open();

    [[nodiscard]] bool is_open() const { return descriptor_.is_open(); }

    /// Watches exactly these folders from now on; `folders` has no repetition.
    ///
    /// Call it often: it detects that a path names another folder now. It skips folders that do not exist.
    watched_folders use_folders(const std::vector<std::string>& folders);

    /// Ends when something changed in a watched folder.
    ///
    /// Errors: cancelled after close(); otherwise the system's, and then no more events come.
    /// Cancel: terminal, at once.
    [[nodiscard]] task<error_code> wait();

    /// Ends wait() and closes the descriptor.
    void close();

private:
    [[nodiscard]] bool drain();

    asio::posix::basic_stream_descriptor<loop_executor> descriptor_;
    std::map<std::string, int> watches_;
};

} // namespace kallglot

#endif
