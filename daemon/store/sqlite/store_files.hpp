/// The files of one store, and how one takes the place of another so that no crash can lose both.
///
/// A store that is written anew is built under a name of its own, synced, and then renamed to one of two names that say
/// "complete": from there on the exchange is carried through, if need be by the next start. SQLite finds its write-ahead
/// log by the name of the file, so the old log leaves before the new file takes the name. It knows no SQLite.

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

    /// Under which a new store is built.
    [[nodiscard]] std::string next() const { return path_ + "-next"; }

    /// Takes the lock of the store for this object's life: a file beside it, since the store itself changes its name.
    ///
    /// locked: another process has it; unwritable: the folder is not there, or not ours.
    [[nodiscard]] store_fault lock();

    /// Carries an exchange through that a crash has cut off, and removes what was never complete. `aside` gets the
    /// name of a damaged store that was moved.
    [[nodiscard]] store_fault settle(std::string& aside);

    /// Makes an empty file for a new store, in place of what is left of an attempt to build one.
    [[nodiscard]] store_fault prepare_next();

    /// next() takes the place of the store, which was written anew from memory.
    [[nodiscard]] store_fault replace();

    /// next() takes the place of the store, which is damaged and is kept as `aside`.
    [[nodiscard]] store_fault replace_damaged(std::string& aside);

    [[nodiscard]] bool exists() const;

    /// Of the store and its log, in bytes.
    [[nodiscard]] std::uint64_t size() const;

    /// Free for us on the file system, for messages.
    [[nodiscard]] std::string free_space() const;

    /// The two numbers that a file names itself with, without opening it as a database. Both 0 if it has none.
    struct identity {
        bool is_database = false;
        std::uint32_t version = 0;
        std::uint32_t application = 0;
    };

    [[nodiscard]] store_fault identify(identity& found) const;

private:
    [[nodiscard]] std::string ready() const { return path_ + "-ready"; }

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
    int lock_ = -1;
};

} // namespace kallglot

#endif
