#include "intake/folder_events.hpp"

#include "kallglot/async/deadline.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_category.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>

namespace kallglot {

namespace {

// All events that can change which files match, their content, or whether they are readable.
constexpr std::uint32_t interesting = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_TO
                                      | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF
                                      | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

error_code last_error() {
    return {errno, boost::system::system_category()};
}

} // namespace

folder_events::folder_events(const loop_executor& executor) : descriptor_(executor) {}

error_code folder_events::open() {
    const int number = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (number < 0) {
        return last_error();
    }
    error_code failed;
    // Asio owns the descriptor from here on, unless it rejects it.
    descriptor_.assign(number, failed);
    if (failed) {
        ::close(number);
    }
    return failed;
}

watched_folders folder_events::use_folders(const std::vector<std::string>& folders) {
    watched_folders done;
    if (!is_open()) {
        return done;
    }
    std::map<std::string, int> before = std::exchange(watches_, {});
    for (const std::string& folder : folders) {
        const int watch =
            ::inotify_add_watch(descriptor_.native_handle(), folder.c_str(), interesting);
        if (watch < 0) {
            // A folder that does not exist yet is normal: its parent is watched. Of other errors the first is
            // enough for the log.
            if (done.error == 0 && errno != ENOENT && errno != ENOTDIR) {
                done.error = errno;
                done.failed = folder;
            }
            continue;
        }
        const auto known = before.find(folder);
        // A known path with a new watch number is another folder now. A file may have appeared in it before the
        // watch began.
        done.added = done.added || known == before.end() || known->second != watch;
        watches_.emplace(folder, watch);
    }
    // Two paths may name one folder and share a watch. So the comparison is by watch, not by path.
    std::set<int> unused;
    for (const auto& [folder, watch] : before) {
        unused.insert(watch);
    }
    for (const auto& [folder, watch] : watches_) {
        unused.erase(watch);
    }
    for (const int watch : unused) {
        // The kernel rejects this for a watch that it has ended itself, which does no harm.
        static_cast<void>(::inotify_rm_watch(descriptor_.native_handle(), watch));
    }
    return done;
}

task<error_code> folder_events::wait() {
    for (;;) {
        const auto waited =
            co_await descriptor_.async_wait(asio::posix::descriptor_base::wait_read, as_tuple);
        const error_code failed = std::get<0>(waited);
        // close() ends the wait, but a handler that is already queued reports success: check the own state too.
        if (failed == asio::error::operation_aborted || !is_open()) {
            co_return errc::cancelled;
        }
        if (failed) {
            co_return failed;
        }
        // A wake-up without events can happen; then wait again.
        if (drain()) {
            co_return error_code();
        }
    }
}

void folder_events::close() {
    error_code ignored;
    descriptor_.close(ignored);
    watches_.clear();
}

// Reads and discards a bounded part of the queued events; the rest makes the descriptor ready again. False if there was
// none. The content of events is not needed: use_folders() finds out which folders are gone or replaced.
bool folder_events::drain() {
    std::array<std::byte, 16 * 1024> buffer;
    bool any = false;
    for (int round = 0; round < 16; ++round) {
        // The descriptor does not block: EAGAIN ends the loop when the queue is empty.
        if (::read(descriptor_.native_handle(), buffer.data(), buffer.size()) <= 0) {
            break;
        }
        any = true;
    }
    return any;
}

} // namespace kallglot
