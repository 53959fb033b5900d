/// Everything of the store that blocks: opens, checks, repairs, commits and rewrites one SQLite file.
///
/// WAL, synchronous=FULL, one connection with an exclusive lock. Each call is one piece of work for the worker; none is
/// called by two threads at once. It knows neither the loop nor who waits for what; faults are values, and the caller
/// decides what follows from them.

#ifndef KALLGLOT_STORE_SQLITE_STORE_ENGINE_HPP
#define KALLGLOT_STORE_SQLITE_STORE_ENGINE_HPP

#include "store/sqlite/database.hpp"
#include "store/sqlite/session_table.hpp"
#include "store/sqlite/store_files.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kallglot {

// One change of the store; a put revives its id.
struct put_session {
    stored_session row;
};

struct update_session {
    stored_session row;
};

struct remove_session {
    session_id id;
};

using store_change = std::variant<put_session, update_session, remove_session, remembered_row>;

/// Changes that become durable together.
struct change_group {
    std::vector<store_change> changes;
    std::optional<time_mark> mark;
    std::optional<stored_time> purge_before; ///< of remembered keys
};

/// A store that was found damaged: what became of it.
struct store_damage {
    std::string reason;
    std::string kept_as;          ///< the damaged file's name now
    std::uint64_t saved = 0;      ///< sessions that could be read and are in the new store
    std::uint64_t unreadable = 0; ///< rows that were seen to be wrong; more may be lost unseen
};

/// The result of opening.
struct store_opening {
    store_fault fault;                  ///< if any, the store is not open
    store_fault writing;                ///< it can be read, but not written now
    std::optional<store_damage> damage; ///< found, and repaired as well as it can be
    std::optional<stored_timeline> line;
    std::int64_t last_corruption = 0; ///< Unix milliseconds; 0: never
    std::uint64_t size_bytes = 0;
    bool is_new = false;
};

struct commit_outcome {
    store_fault fault;
    std::uint32_t log_pages = 0; ///< in the write-ahead log
    std::uint64_t size_bytes = 0;
    bool more_to_purge = false; ///< as many keys as one transaction lets go of were too old
};

/// Worker only.
class store_engine {
public:
    /// `boot_id` names the present boot of this machine; empty: the kernel's own file does.
    explicit store_engine(std::string path, std::string boot_id = {})
        : files_(std::move(path)),
          boot_id_(std::move(boot_id)) {}

    /// Opens the store, or makes it if there is none. Verifies all of it.
    ///
    /// Cost: reads the whole file; half a second for 100 MB.
    [[nodiscard]] store_opening open(api_time wall, steady_time now);

    /// One transaction, durable when it returns without a fault; otherwise nothing of it is to be believed.
    [[nodiscard]] commit_outcome commit(
        const std::vector<std::shared_ptr<const change_group>>& groups);

    /// Writes the log back into the file, so that it does not grow.
    [[nodiscard]] store_fault checkpoint();

    /// Up to `limit` rows behind `after` (empty at first).
    [[nodiscard]] store_fault read(const std::string& after,
                                   std::int64_t limit,
                                   std::vector<stored_session>& rows);
    [[nodiscard]] store_fault read_keys(std::vector<remembered_row>& rows);

    // The store written anew, in a fresh file: begin, append as often as needed, finish. Any fault ends it, and
    // begin starts over.

    /// `damaged`: the present file is kept aside when the new one takes its place.
    [[nodiscard]] store_fault begin_rewrite(const time_mark& mark, bool damaged);
    [[nodiscard]] store_fault append(const std::vector<stored_session>& rows);
    [[nodiscard]] store_fault append(const std::vector<remembered_row>& rows);
    [[nodiscard]] store_fault finish_rewrite();

    /// Writes the log back, and closes. The store is closed whatever this returns.
    [[nodiscard]] store_fault close(const time_mark& mark);

private:
    [[nodiscard]] store_fault open_checked(store_opening& opening);
    [[nodiscard]] store_fault verify();
    [[nodiscard]] store_fault connect();
    [[nodiscard]] store_fault make_new(const state_row& state);
    [[nodiscard]] store_fault salvage(store_damage& damage);
    [[nodiscard]] store_fault salvage_rows(store_damage& damage);
    [[nodiscard]] store_fault begin_next(const state_row& state);
    [[nodiscard]] store_fault end_next();
    [[nodiscard]] bool apply(const change_group& group);
    [[nodiscard]] bool apply(const store_change& change);
    [[nodiscard]] bool purge(stored_time before);
    [[nodiscard]] commit_outcome commit_mark(const time_mark& mark);
    [[nodiscard]] store_fault abandon();
    void disconnect() noexcept;
    void disconnect_next() noexcept;

    store_files files_;
    std::string boot_id_;
    database db_;
    session_table table_;
    database next_db_; ///< the store that is being written anew
    session_table next_;
    state_row state_;  ///< as of opening; `last_corruption` is kept up
    time_mark opened_; ///< by the wall clock: stands in for a mark that cannot be read
    bool keep_aside_ = false;
    std::uint32_t log_pages_ = 0;
    bool more_to_purge_ = false;
};

} // namespace kallglot

#endif
