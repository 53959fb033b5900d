/// The files of one store: locks the store, and replaces one file by another so that a crash cannot lose both.
///
/// A rewrite is built as `-next`, synced, and renamed to `-ready` or `-salvaged`, which mean "complete". From then on the
/// replacement is finished, after a crash by the next start. SQLite finds its write-ahead log by the name of the file, so
/// the old log is removed before the new file gets the name. Makes no call of SQLite.

#ifndef KALLGLOT_STORE_SQLITE_STORE_FILES_HPP
#define KALLGLOT_STORE_SQLITE_STORE_FILES_HPP

#include "store/sqlite/database.hpp"

#include <cstdint>
#include <string>

namespace kallglot {

/// Worker only.
class store_files {
public:
    explicit store_files(std::string path) : path_(std::move(path)) {}

    ~store_files();
    store_files(const store_files&) = delete;
    store_files& operator=(const store_files&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The name under which a new store is built.
    [[nodiscard]] std::string next() const { return path_ + "-next"; }

    /// Locks the store until this object is destroyed. The lock is on a file beside it, since the store is renamed.
    ///
    /// Errors: locked: another process has it; unwritable: the folder is missing, or not writable.
    [[nodiscard]] store_fault lock();

    /// Finishes a replacement that a crash interrupted, and removes an incomplete rewrite. `aside` is set to the name of a
    /// damaged store that was moved.
    [[nodiscard]] store_fault settle(std::string& aside);

    /// Creates an empty file for a new store, and removes the remains of an earlier attempt.
    [[nodiscard]] store_fault prepare_next();

    /// next() replaces the store.
    [[nodiscard]] store_fault replace();

    /// next() replaces the store, which is damaged and is renamed to `aside`.
    [[nodiscard]] store_fault replace_damaged(std::string& aside);

    [[nodiscard]] bool exists() const;

    /// Of the store and its log, in bytes.
    [[nodiscard]] std::uint64_t size() const;

    /// Free space on the file system, for messages.
    [[nodiscard]] std::string free_space() const;

    /// What the header of a file says, read without opening it as a database. Numbers are 0 if it is no database.
    struct identity {
        bool is_database = false;
        std::uint32_t version = 0;
        std::uint32_t application = 0;
    };

    [[nodiscard]] store_fault identify(identity& found) const;

private:
    /// A complete rewrite of an intact or unknown store.
    [[nodiscard]] std::string ready() const { return path_ + "-ready"; }

    /// A complete replacement of a damaged store.
    [[nodiscard]] std::string salvaged() const { return path_ + "-salvaged"; }

    [[nodiscard]] std::string log() const { return path_ + "-wal"; }

    [[nodiscard]] std::string folder() const;
    [[nodiscard]] std::string name_aside() const;
    [[nodiscard]] store_fault discard_next();
    [[nodiscard]] store_fault complete(const std::string& as);
    [[nodiscard]] store_fault move_aside(std::string& aside);
    [[nodiscard]] store_fault replace_by_salvaged(std::string& aside);
    [[nodiscard]] store_fault take_place(const std::string& from);

    [[nodiscard]] store_fault rename(const std::string& from, const std::string& to);
    [[nodiscard]] store_fault remove(const std::string& name);
    [[nodiscard]] store_fault sync_folder();

    std::string path_;
    int lock_ = -1; ///< descriptor of the lock file; -1: not locked
};

} // namespace kallglot

#endif
