/// The store that the configuration asks for: on disk, or none for trials (`:memory:`).
///
/// Opens it, says in the log what was found, and brings its sessions back. What is kept and when is store's and
/// intake's business.

#ifndef KALLGLOT_APP_STORE_HOST_HPP
#define KALLGLOT_APP_STORE_HOST_HPP

#include "app/start_failure.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/store/memory_store.hpp"
#include "kallglot/store/sqlite_store.hpp"

#include <memory>
#include <optional>

namespace kallglot {

/// Loop only. Lifetime: clock and logger outlive it; close() has ended before it goes, if open() succeeded.
class store_host {
public:
    store_host(loop_executor loop,
               clock& time,
               logger& log,
               const store_settings& values,
               const std::string& boot_id,
               const task_group::failure_handler& on_bug);

    [[nodiscard]] session_store& store() noexcept { return *store_; }

    /// Opens and verifies the store and gives everything in it to `reader`; then `owner` is asked and told.
    /// Lifetime: both outlive the host.
    [[nodiscard]] task<result<void>> open(store_reader& reader, store_owner& owner);

    /// Why open() failed.
    [[nodiscard]] const start_failure& failure() const noexcept { return failure_; }

    /// Writes what waits and closes the file.
    [[nodiscard]] task<> close();

    /// close() waits as long as the disk gets on, and not for one that hangs.
    void cut();

    /// Since when the disk has been at one piece of work; empty if at none, or without a store on disk.
    [[nodiscard]] std::optional<steady_time> busy_since() const noexcept {
        return disk_ == nullptr ? std::nullopt : disk_->busy_since();
    }

    /// False if the disk does not let go of the worker.
    [[nodiscard]] bool stop_worker(steady_duration patience);

    /// Empty without a store on disk.
    [[nodiscard]] std::optional<store_snapshot> snapshot() const;

private:
    void tell_opening();

    logger& log_;
    std::string path_;
    memory_store memory_;
    std::unique_ptr<sqlite_store> disk_; ///< null for `:memory:`
    session_store* store_;
    start_failure failure_;
    bool open_ = false;
};

} // namespace kallglot

#endif
