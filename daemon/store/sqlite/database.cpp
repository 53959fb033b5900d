#include "store/sqlite/database.hpp"

#include <cstring>

namespace kallglot {

store_fault_kind classify_sqlite(int code) noexcept {
    // The low byte of an extended result code is the primary one.
    switch (code & 0xFF) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
            return store_fault_kind::none;
        // Another process has the file open.
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return store_fault_kind::locked;
        // Reading took more steps than a file of this size can need.
        case SQLITE_INTERRUPT:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
            return store_fault_kind::damaged;
        // Refused before anything was written, so the file is unchanged.
        case SQLITE_FULL:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        // Memory may be short for a moment, so the file is not blamed.
        case SQLITE_NOMEM:
        case SQLITE_TOOBIG:
            return store_fault_kind::unwritable;
        default:
            // I/O errors of every kind, and codes that should not occur: assume that the content of the disk is unknown.
            return store_fault_kind::broken;
    }
}

void statement::bind(int index, std::int64_t value) noexcept {
    // No result is checked: with a valid index and a statement that was reset, a binding cannot fail.
    sqlite3_bind_int64(handle_.get(), index, value);
}

void statement::bind(int index, const std::optional<std::int64_t>& value) noexcept {
    if (value) {
        sqlite3_bind_int64(handle_.get(), index, *value);
    } else {
        sqlite3_bind_null(handle_.get(), index);
    }
}

void statement::bind(int index, std::string_view text) noexcept {
    // SQLite makes no copy: the caller's text outlives the step. SQLite takes a null pointer for NULL, not for "".
    const char* const data = text.data() == nullptr ? "" : text.data();
    sqlite3_bind_text(handle_.get(), index, data, static_cast<int>(text.size()), nullptr);
}

bool statement::step() noexcept {
    // failed() looks at the code later.
    code_ = sqlite3_step(handle_.get());
    return code_ == SQLITE_ROW;
}

bool statement::run() noexcept {
    while (step()) {
    }
    // Reset also after a failure: a statement that is not reset keeps its transaction open.
    const bool good = !failed();
    reset();
    return good;
}

void statement::reset() noexcept {
    // Its result repeats the error of the last step, which `code_` has already.
    sqlite3_reset(handle_.get());
}

std::optional<std::int64_t> statement::integer(int column) const noexcept {
    // SQLite would convert, and so turn damage into a plausible number.
    if (sqlite3_column_type(handle_.get(), column) != SQLITE_INTEGER) {
        return std::nullopt;
    }
    return sqlite3_column_int64(handle_.get(), column);
}

std::string_view statement::text(int column) const noexcept {
    if (sqlite3_column_type(handle_.get(), column) != SQLITE_TEXT) {
        return {};
    }
    // Bytes of any encoding: session_id::parse rejects what is not an id.
    // Before the size: sqlite3_column_bytes() refers to the form that was fetched last.
    const void* const data = sqlite3_column_blob(handle_.get(), column);
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return data == nullptr
               ? std::string_view()
               : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

store_fault database::open(const std::string& path) {
    path_ = path;
    // Without SQLITE_OPEN_CREATE: store_files makes the file, with the mode that it needs. One thread at a time: no mutex.
    sqlite3* opened = nullptr;
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
    handle_.reset(opened);
    // SQLite returns a handle even then, to ask for the error.
    if (code != SQLITE_OK) {
        store_fault fault = last_fault();
        handle_.reset();
        return fault;
    }
    // No checkpoint on close: close() of the engine decides. A hostile file must not run code or change the schema.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // store_files holds the lock of the store, so a busy file means another program: report it at once.
    sqlite3_busy_timeout(opened, 0);
    return run(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY");
}

store_fault database::run(const char* sql) {
    // For statements without parameters and results; several may be separated by semicolons.
    // exec stops at the first statement that fails.
    const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? store_fault{} : last_fault();
}

std::optional<std::int64_t> database::number(const char* sql) {
    // The caller reads last_fault() if it needs the reason.
    statement query;
    if (prepare(query, sql) || !query.step()) {
        return std::nullopt;
    }
    return query.integer(0);
}

std::optional<std::string> database::word(const char* sql) {
    statement query;
    if (prepare(query, sql) || !query.step()) {
        return std::nullopt;
    }
    return std::string(query.text(0));
}

store_fault database::prepare(statement& into, std::string_view sql) {
    // Persistent: the statements live as long as the connection.
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(),
                                        sql.data(),
                                        static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT,
                                        &made,
                                        nullptr);
    into.handle_.reset(made);
    // A statement that was prepared again has not failed yet.
    into.code_ = SQLITE_DONE;
    return code == SQLITE_OK ? store_fault{} : last_fault();
}

store_fault database::last_fault() const {
    // SQLite's text for the code, not sqlite3_errmsg: that one may quote values.
    const int code = sqlite3_extended_errcode(handle_.get());
    store_fault fault{classify_sqlite(code), path_ + ": " + sqlite3_errstr(code)};
    if (!fault) {
        // The caller saw a failure that SQLite does not report: assume the worst.
        fault.kind = store_fault_kind::broken;
    }
    // The error of the system call, for example ENOSPC behind an I/O error.
    if (const int system = sqlite3_system_errno(handle_.get()); system != 0) {
        fault.text += std::string(" (") + std::strerror(system) + ")";
    }
    return fault;
}

} // namespace kallglot
