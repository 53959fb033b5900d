#include "store/sqlite/database.hpp"

#include <cstring>

namespace kallglot {

store_fault_kind classify_sqlite(int code) noexcept {
    switch (code & 0xFF) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
            return store_fault_kind::none;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return store_fault_kind::locked;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
            return store_fault_kind::damaged;
        case SQLITE_FULL:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_NOMEM:
        case SQLITE_TOOBIG:
            return store_fault_kind::unwritable;
        default:
            // I/O errors of every kind, and what should not happen: the careful answer is the same.
            return store_fault_kind::broken;
    }
}

void statement::bind(int index, std::int64_t value) noexcept {
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
    // Without a copy: the caller's text outlives the step. No address would mean NULL.
    const char* const data = text.data() == nullptr ? "" : text.data();
    sqlite3_bind_text(handle_.get(), index, data, static_cast<int>(text.size()), nullptr);
}

bool statement::step() noexcept {
    code_ = sqlite3_step(handle_.get());
    return code_ == SQLITE_ROW;
}

bool statement::run() noexcept {
    while (step()) {
    }
    const bool good = !failed();
    reset();
    return good;
}

void statement::reset() noexcept {
    sqlite3_reset(handle_.get());
}

std::optional<std::int64_t> statement::integer(int column) const noexcept {
    if (sqlite3_column_type(handle_.get(), column) != SQLITE_INTEGER) {
        return std::nullopt;
    }
    return sqlite3_column_int64(handle_.get(), column);
}

std::string_view statement::text(int column) const noexcept {
    if (sqlite3_column_type(handle_.get(), column) != SQLITE_TEXT) {
        return {};
    }
    // Bytes, not characters: what is not an id is refused by session_id::parse.
    const void* const data = sqlite3_column_blob(handle_.get(), column);
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return data == nullptr
               ? std::string_view()
               : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

store_fault database::open(const std::string& path) {
    path_ = path;
    sqlite3* opened = nullptr;
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
    handle_.reset(opened);
    if (code != SQLITE_OK) {
        store_fault fault = last_fault();
        handle_.reset();
        return fault;
    }
    // Nothing is written behind our back, and what a hostile file could ask for is switched off.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_busy_timeout(opened, 0);
    return run(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY");
}

store_fault database::run(const char* sql) {
    const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? store_fault{} : last_fault();
}

std::optional<std::int64_t> database::number(const char* sql) {
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
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(),
                                        sql.data(),
                                        static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT,
                                        &made,
                                        nullptr);
    into.handle_.reset(made);
    into.code_ = SQLITE_DONE;
    return code == SQLITE_OK ? store_fault{} : last_fault();
}

store_fault database::last_fault() const {
    const int code = sqlite3_extended_errcode(handle_.get());
    store_fault fault{classify_sqlite(code), path_ + ": " + sqlite3_errstr(code)};
    if (!fault) {
        // Asked after something that did not fail: nothing good can be said of it.
        fault.kind = store_fault_kind::broken;
    }
    if (const int system = sqlite3_system_errno(handle_.get()); system != 0) {
        fault.text += std::string(" (") + std::strerror(system) + ")";
    }
    return fault;
}

} // namespace kallglot
