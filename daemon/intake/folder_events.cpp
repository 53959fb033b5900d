#include "intake/folder_events.hpp"

#include "kallglot/async/deadline.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_category.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
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

void folder_watches::add(const std::string& folder) {
    if (!inotify_) {
        return;
    }
    const int number = ::inotify_add_watch(inotify_->number(), folder.c_str(), interesting);
    if (number >= 0) {
        // The kernel gives a folder that is watched already the same number.
        numbers_.insert(number);
    } else if (error_ == 0 && errno != ENOENT && errno != ENOTDIR) {
        // A folder that does not exist yet is normal: its parent is watched. Of other errors the first is enough for
        // the log.
        error_ = errno;
        failed_ = folder;
    }
}

folder_events::folder_events(const loop_executor& executor) : descriptor_(executor) {}

error_code folder_events::open() {
    file_descriptor made(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    // Two descriptors of one inotify: Asio closes its own on the loop, and a worker that is adding a watch keeps the
    // other alive.
    const int second = made.is_open() ? ::fcntl(made.number(), F_DUPFD_CLOEXEC, 0) : -1;
    if (second < 0) {
        return last_error();
    }
    error_code failed;
    // Asio owns the descriptor from here on, unless it rejects it.
    descriptor_.assign(second, failed);
    if (failed) {
        ::close(second);
    } else {
        inotify_ = std::make_shared<const file_descriptor>(std::move(made));
    }
    return failed;
}

void folder_events::keep(const std::set<int>& numbers) {
    for (const int number : kept_) {
        // The kernel rejects this for a watch that it has ended itself, which does no harm.
        if (is_open() && !numbers.contains(number)) {
            static_cast<void>(::inotify_rm_watch(descriptor_.native_handle(), number));
        }
    }
    kept_ = numbers;
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
    inotify_.reset();
    kept_.clear();
}

// Reads and discards a bounded part of the queued events; the rest makes the descriptor ready again. False if there was
// none. The content of events is not needed: the next look finds out which folders are gone or
// replaced.
bool folder_events::drain() {
    std::array<std::byte, 16 * 1024> buffer;
    bool any = false;
    // Bounded, since a program may write faster than this reads.
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
