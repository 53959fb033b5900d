/// C++ wrapper of SQLite: a connection and a prepared statement that close with their owner, and faults by kind.
///
/// It decides nothing, knows no table, and throws nothing but bad_alloc. The text of a fault contains the path and SQLite's
/// own message, never a value of a row.

#ifndef KALLGLOT_STORE_SQLITE_DATABASE_HPP
#define KALLGLOT_STORE_SQLITE_DATABASE_HPP

#include "kallglot/ports/store_engine.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot {

/// The kind of fault for an extended result code of SQLite.
[[nodiscard]] store_fault_kind classify_sqlite(int code) noexcept;

/// A statement, prepared once and run many times. Worker only, as everything here.
class statement {
public:
    statement() = default;

    /// Parameters are counted from 1.
    void bind(int index, std::int64_t value) noexcept;
    void bind(int index, const std::optional<std::int64_t>& value) noexcept;
    /// Lifetime: the text outlives the next step() and reset().
    void bind(int index, std::string_view text) noexcept;

    /// True: there is a row. False: the end, or an error; failed() distinguishes them.
    [[nodiscard]] bool step() noexcept;

    /// Steps to the end and resets. False: it failed.
    [[nodiscard]] bool run() noexcept;

    [[nodiscard]] bool failed() const noexcept {
        return code_ != SQLITE_DONE && code_ != SQLITE_ROW;
    }

    void reset() noexcept;

    /// Columns are counted from 0. Empty if the value has another type.
    [[nodiscard]] std::optional<std::int64_t> integer(int column) const noexcept;
    /// Lifetime: until the next step() or reset().
    [[nodiscard]] std::string_view text(int column) const noexcept;

    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

private:
    friend class database;

    struct finalize {
        void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
    };

    std::unique_ptr<sqlite3_stmt, finalize> handle_;
    int code_ = SQLITE_DONE;
};

/// A connection with an exclusive lock on its file. Closing it writes nothing.
class database {
public:
    database() = default;

    /// Opens a file, which must exist. An empty file is a database without tables.
    [[nodiscard]] store_fault open(const std::string& path);

    /// All statements must have been destroyed.
    void close() noexcept { handle_.reset(); }

    [[nodiscard]] bool is_open() const noexcept { return handle_ != nullptr; }

    [[nodiscard]] store_fault run(const char* sql);

    /// The first value of the first row; empty if there is none or the query fails.
    [[nodiscard]] std::optional<std::int64_t> number(const char* sql);
    [[nodiscard]] std::optional<std::string> word(const char* sql);

    [[nodiscard]] store_fault prepare(statement& into, std::string_view sql);

    /// The fault of the latest call on this connection.
    [[nodiscard]] store_fault last_fault() const;

    [[nodiscard]] bool in_transaction() const noexcept {
        return sqlite3_get_autocommit(handle_.get()) == 0;
    }

    [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }

private:
    struct close_handle {
        void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
    };

    std::unique_ptr<sqlite3, close_handle> handle_;
    std::string path_;
};

} // namespace kallglot

#endif
