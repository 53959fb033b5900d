#include "store/sqlite/store_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace kallglot {

namespace {

/// A fault with the name of the file and the text of `errno`.
store_fault fault_of(const std::string& name, const char* what, int number) {
    // After EIO the content of the disk is unknown. Other errors refuse the call and change nothing.
    const store_fault_kind kind =
        number == EIO ? store_fault_kind::broken : store_fault_kind::unwritable;
    return {kind, name + ": " + what + ": " + std::strerror(number)};
}

bool present(const std::string& name) {
    // lstat: a dangling link is there too, and must not be overwritten.
    struct stat about{};
    return ::lstat(name.c_str(), &about) == 0;
}

std::uint64_t size_of(const std::string& name) {
    struct stat about{};
    // stat, since the store may be reached through a link.
    return ::stat(name.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

/// Numbers in SQLite's header are big-endian.
std::uint32_t big_endian(const unsigned char* at) {
    return (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) | (std::uint32_t{at[2]} << 8)
           | std::uint32_t{at[3]};
}

} // namespace

store_files::~store_files() {
    // Closing the descriptor releases the lock.
    if (lock_ >= 0) {
        ::close(lock_);
    }
}

store_fault store_files::prepare_next() {
    if (store_fault fault = discard_next()) {
        return fault;
    }
    // Not for others: an id may be an address. SQLite gives its log the same mode.
    const int made = ::open(next().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (made < 0) {
        return fault_of(next(), "cannot be created", errno);
    }
    ::close(made);
    return {};
}

store_fault store_files::lock() {
    // A second open() of the same object has the lock already.
    if (lock_ >= 0) {
        return {};
    }
    // The file stays when the lock is released: removing it would race with a process that is opening it.
    const std::string name = path_ + "-lock";
    const int opened = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (opened < 0) {
        return fault_of(name, "cannot be opened", errno);
    }
    // The kernel releases it when the process ends, however it ends.
    if (::flock(opened, LOCK_EX | LOCK_NB) != 0) {
        // close() may change errno.
        const int number = errno;
        ::close(opened);
        if (number == EWOULDBLOCK) {
            return {store_fault_kind::locked, path_ + ": in use by another process"};
        }
        return fault_of(name, "cannot be locked", number);
    }
    lock_ = opened;
    return {};
}

store_fault store_files::settle(std::string& aside) {
    // Never completed: the store itself is the valid one.
    if (store_fault fault = discard_next()) {
        return fault;
    }
    // Complete, but a crash interrupted the replacement: finish it. A salvaged store is newer than a ready one.
    // Renames are atomic: a file under one of these names is complete, or it would still be called "next".
    if (present(salvaged())) {
        return replace_by_salvaged(aside);
    }
    return present(ready()) ? take_place(ready()) : store_fault{};
}

store_fault store_files::discard_next() {
    // All files that SQLite may have made beside it.
    for (const char* const suffix : {"", "-wal", "-journal", "-shm"}) {
        if (store_fault fault = remove(next() + suffix)) {
            return fault;
        }
    }
    return {};
}

// Two steps, so that a crash between them leaves a complete file under a name that settle() knows.
store_fault store_files::replace() {
    if (store_fault fault = complete(ready())) {
        return fault;
    }
    return take_place(ready());
}

store_fault store_files::replace_damaged(std::string& aside) {
    // Complete under another name first: a crash in the steps below leaves a file that settle() finds.
    if (store_fault fault = complete(salvaged())) {
        return fault;
    }
    return replace_by_salvaged(aside);
}

store_fault store_files::replace_by_salvaged(std::string& aside) {
    // A ready store that could not replace the damaged one is older. The next start must not use it.
    if (store_fault fault = remove(ready())) {
        return fault;
    }
    // The damaged files get another name before the new one gets theirs, so that nothing is overwritten.
    if (store_fault fault = move_aside(aside)) {
        return fault;
    }
    return take_place(salvaged());
}

store_fault store_files::complete(const std::string& as) {
    // The commit point: from this rename on, the next start uses the new store.
    if (store_fault fault = rename(next(), as)) {
        return fault;
    }
    return sync_folder();
}

store_fault store_files::move_aside(std::string& aside) {
    aside = name_aside();
    // The log first. A file without its log is only older, but a log without its file could be applied to the new one.
    for (const auto& [from, to] : {std::pair(log(), aside + "-wal"), std::pair(path_, aside)}) {
        // A file that is missing was moved before a crash, or never existed.
        if (present(from)) {
            if (store_fault fault = rename(from, to)) {
                return fault;
            }
        }
    }
    return sync_folder();
}

store_fault store_files::take_place(const std::string& from) {
    // SQLite would apply an old log to the new file.
    for (const char* const suffix : {"-wal", "-journal", "-shm"}) {
        if (store_fault fault = remove(path_ + suffix)) {
            return fault;
        }
    }
    // The removal of the old log must be durable before the new file has its name.
    if (store_fault fault = sync_folder()) {
        return fault;
    }
    // POSIX rename() replaces the old file at once. No other process sees a moment without a store.
    if (store_fault fault = rename(from, path_)) {
        return fault;
    }
    return sync_folder();
}

bool store_files::exists() const {
    return present(path_);
}

std::uint64_t store_files::size() const {
    // A missing file counts as 0: before the first commit there is no log.
    return size_of(path_) + size_of(log());
}

std::string store_files::free_space() const {
    struct statvfs about{};
    if (::statvfs(folder().c_str(), &about) != 0) {
        return "free space unknown";
    }
    // f_bavail: what a process without privileges can use.
    return std::to_string(about.f_bavail * about.f_frsize) + " bytes free";
}

store_fault store_files::identify(identity& found) const {
    std::array<unsigned char, 100> header{};
    const int opened = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0) {
        return fault_of(path_, "cannot be opened", errno);
    }
    // A short read is a file shorter than the header: no database.
    const ssize_t got = ::read(opened, header.data(), header.size());
    const int failed = got < 0 ? errno : 0;
    ::close(opened);
    if (failed != 0) {
        return fault_of(path_, "cannot be read", failed);
    }
    // Source: SQLite's file format: magic string, user_version at 60, application_id at 68.
    static constexpr std::array<char, 16> magic = {"SQLite format 3"};
    if (got != static_cast<ssize_t>(header.size())
        || std::memcmp(header.data(), magic.data(), magic.size()) != 0) {
        return {};
    }
    found = {true, big_endian(&header[60]), big_endian(&header[68])};
    return {};
}

std::string store_files::folder() const {
    // A relative path without a folder is in the working directory.
    const std::string parent = std::filesystem::path(path_).parent_path().string();
    return parent.empty() ? "." : parent;
}

std::string store_files::name_aside() const {
    // After a crash the same name is used again: the log may have been moved already, or both files.
    std::string last;
    for (int number = 1;; ++number) {
        std::string name = path_ + ".damaged-" + std::to_string(number);
        // Free for the log, or there is no log to move.
        const bool log_is_free = !present(name + "-wal") || !present(log());
        if (!present(name) && log_is_free) {
            // Nothing left to move: the last name is the one that the interrupted move used.
            return present(path_) || last.empty() ? name : last;
        }
        last = std::move(name);
    }
}

store_fault store_files::rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        return fault_of(from, "cannot be renamed", errno);
    }
    return {};
}

store_fault store_files::remove(const std::string& name) {
    // A missing file is what the caller wants.
    if (::unlink(name.c_str()) != 0 && errno != ENOENT) {
        return fault_of(name, "cannot be removed", errno);
    }
    return {};
}

store_fault store_files::sync_folder() {
    // A rename or removal is durable only when its folder is synced.
    const std::string name = folder();
    const int opened = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) {
        return fault_of(name, "cannot be opened", errno);
    }
    // Not retried: after a failed fsync Linux may report success, although the pages were dropped.
    const int failed = ::fsync(opened) == 0 ? 0 : errno;
    ::close(opened);
    return failed == 0 ? store_fault{} : fault_of(name, "cannot be synced", failed);
}

} // namespace kallglot
