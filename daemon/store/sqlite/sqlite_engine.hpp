/// The SQLite engine: one file, WAL, synchronous=FULL, one connection with an exclusive lock.
///
/// A damaged file is repaired as far as possible and set aside. A rewrite is built beside the present file and replaces
/// it when it is complete. The engine knows neither the loop nor the callers that wait for a commit.

#ifndef KALLGLOT_STORE_SQLITE_SQLITE_ENGINE_HPP
#define KALLGLOT_STORE_SQLITE_SQLITE_ENGINE_HPP

#include "kallglot/ports/store_engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/session_table.hpp"
#include "store/sqlite/store_files.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Worker only.
class sqlite_engine final : public store_engine {
public:
    /// `boot_id` identifies the present boot of this machine. Empty: read from the kernel.
    explicit sqlite_engine(std::string path, std::string boot_id = {})
        : files_(std::move(path)),
          boot_id_(std::move(boot_id)) {}

    [[nodiscard]] std::string name() const override { return files_.path(); }

    [[nodiscard]] bool is_persistent() const noexcept override { return true; }

    [[nodiscard]] std::uint64_t progress() const noexcept override { return progress_; }

    /// Cost: reads the whole file; half a second for 100 MB.
    [[nodiscard]] store_opening open(api_time wall, steady_time now) override;
    [[nodiscard]] store_fault read(const std::string& after,
                                   std::int64_t limit,
                                   std::vector<stored_session>& rows) override;
    [[nodiscard]] store_fault read_keys(std::vector<remembered_row>& rows) override;
    [[nodiscard]] store_fault read_episodes(std::vector<stored_episode>& rows) override;
    [[nodiscard]] commit_outcome commit(
        const std::vector<std::shared_ptr<const change_group>>& groups) override;
    [[nodiscard]] store_fault checkpoint() override;
    [[nodiscard]] store_fault begin_rewrite(const time_mark& mark, bool damaged) override;
    [[nodiscard]] store_fault append(const std::vector<stored_session>& rows) override;
    [[nodiscard]] store_fault append(const std::vector<remembered_row>& rows) override;
    [[nodiscard]] store_fault append(const std::vector<stored_episode>& rows) override;
    [[nodiscard]] store_fault finish_rewrite() override;
    [[nodiscard]] store_fault close(const time_mark& mark) override;

private:
    [[nodiscard]] store_fault open_checked(store_opening& opening);
    [[nodiscard]] store_fault verify();
    [[nodiscard]] store_fault find_version();
    [[nodiscard]] store_fault upgrade();
    void bound_reading();
    [[nodiscard]] store_fault connect();
    [[nodiscard]] store_fault make_new(const state_row& state);
    [[nodiscard]] store_fault salvage(store_damage& damage);
    [[nodiscard]] store_fault prepare_to_salvage();
    [[nodiscard]] store_fault copy_rows(store_damage& damage, bool with_keys);
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
    database next_db_; ///< the file that a rewrite builds
    session_table next_;
    std::uint32_t version_ = session_table::version; ///< of the file that is opened
    state_row state_;         ///< as of opening; `last_corruption` is kept current
    time_mark opened_;        ///< by the wall clock: used if the mark in the file cannot be read
    bool keep_aside_ = false; ///< the present rewrite sets the old file aside
    std::uint32_t log_pages_ = 0;
    bool more_to_purge_ = false;
    std::uint64_t looks_left_ = 0;            ///< of the reading that bound_reading() bounds
    std::atomic<std::uint64_t> progress_ = 0; ///< read by the loop while open() runs
};

} // namespace kallglot

#endif
