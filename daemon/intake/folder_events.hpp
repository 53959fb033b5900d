/// Reports changes in a set of folders: inotify as a coroutine.
///
/// It hides the descriptor. It deliberately does not report what changed: events can be lost, and one change can cause
/// several, so the owner compares its files anyway.

#ifndef KALLGLOT_INTAKE_FOLDER_EVENTS_HPP
#define KALLGLOT_INTAKE_FOLDER_EVENTS_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/files/operator_file.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace kallglot {

/// Begins to watch folders, away from the loop: it blocks while a file system does not answer.
///
/// One call fills it, folder after folder; then the loop reads it. A path that leads to the same folder gets the same
/// number again, and a folder that took its place gets another one.
class folder_watches {
public:
    folder_watches() = default;

    explicit folder_watches(std::shared_ptr<const file_descriptor> inotify)
        : inotify_(std::move(inotify)) {}

    /// Blocking. Skips folders that do not exist.
    void add(const std::string& folder);

    [[nodiscard]] const std::set<int>& numbers() const noexcept { return numbers_; }

    /// errno of the first folder that cannot be watched, and the folder.
    [[nodiscard]] int error() const noexcept { return error_; }

    [[nodiscard]] const std::string& failed() const noexcept { return failed_; }

private:
    std::shared_ptr<const file_descriptor> inotify_; // empty: without inotify
    std::set<int> numbers_;
    int error_ = 0;
    std::string failed_;
};

/// One inotify instance. Loop only.
class folder_events {
public:
    explicit folder_events(const loop_executor& executor);

    /// Gets the descriptor. Errors: the system's (out of descriptors or instances); the caller may retry.
    [[nodiscard]] error_code open();

    [[nodiscard]] bool is_open() const { return descriptor_.is_open(); }

    /// For one call that begins to watch folders. Without inotify it watches nothing.
    [[nodiscard]] folder_watches begin_watches() const { return folder_watches(inotify_); }

    /// Ends all watches but these; call it while no call adds any.
    void keep(const std::set<int>& numbers);

    /// Ends when something changed in a watched folder.
    ///
    /// Errors: cancelled after close(); otherwise the system's, and then no more events come.
    /// Cancel: terminal, at once.
    [[nodiscard]] task<error_code> wait();

    /// Ends wait() and closes the descriptor.
    void close();

private:
    [[nodiscard]] bool drain();

    // The same instance twice: a call of a worker may still use the second when the first is closed.
    asio::posix::basic_stream_descriptor<loop_executor> descriptor_;
    std::shared_ptr<const file_descriptor> inotify_;
    std::set<int> kept_;
};

} // namespace kallglot

#endif
