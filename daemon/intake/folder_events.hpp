/// Tells that something changed in a set of folders: inotify, as a coroutine.
///
/// It exists to hide descriptors and watch numbers. What changed is deliberately not told: the owner looks at its
/// files anyway, because events can be lost and one change can come as several.

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
    bool added =
        false; ///< at least one folder was not watched before: what is in it must be looked at once more
    int error = 0;      ///< errno of the first folder that cannot be watched
    std::string failed; ///< that folder
};

/// One inotify instance. Loop only.
class folder_events {
public:
    explicit folder_events(const loop_executor& executor);

    /// Gets the descriptor. Errors: the system's (out of descriptors or instances); may be tried again.
    [[nodiscard]] error_code open();

    [[nodiscard]] bool is_open() const { return descriptor_.is_open(); }

    /// Watches exactly these folders from now on; `folders` has no repetition.
    ///
    /// To be called often: it finds out when a path has become another folder. Folders that are not there are
    /// passed over.
    watched_folders use_folders(const std::vector<std::string>& folders);

    /// Ends when something happened in a watched folder.
    ///
    /// Errors: cancelled after close(); otherwise the system's, after which no event will come.
    /// Cancel: terminal, at once.
    [[nodiscard]] task<error_code> wait();

    /// Ends wait() and gives the descriptor back.
    void close();

private:
    [[nodiscard]] bool drain();

    asio::posix::basic_stream_descriptor<loop_executor> descriptor_;
    std::map<std::string, int> watches_;
};

} // namespace kallglot

#endif
