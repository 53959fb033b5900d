/// The store on disk: queues what the loop wants kept, commits it in groups on a worker, and gets over a failing disk.
///
/// Whatever queued while the last commit ran goes into the next transaction, so that a thousand acknowledgements a second
/// share a few syncs. While the disk is full or read-only nothing is accepted, and the store tries again every few
/// seconds; after a failed write or sync, when nobody knows what is on the disk, it is written anew from memory into a
/// fresh file first. What blocks is in store_engine; what a row holds, in tracking/stored_session.

#ifndef KALLGLOT_STORE_SQLITE_STORE_HPP
#define KALLGLOT_STORE_SQLITE_STORE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/daemon_snapshot.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/tracking/stored_session.hpp"
#include "store/note_board.hpp"
#include "store/sqlite/store_engine.hpp"
#include "store/write_queue.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kallglot {

/// Where the store is.
struct store_location {
    std::string path;
    std::string
        boot_id; ///< names the present boot of this machine; empty: the kernel's own file does
};

struct store_limits {
    std::size_t notes = 4096; ///< in one transaction
    std::size_t bulk = 512;   ///< ids of imports in one transaction, which others have to wait for
    std::size_t waiting = 262'144; ///< changes that wait for the disk; over it intake is refused
    std::uint32_t log_pages =
        1000;         ///< the log is written back above it: when there is time, or at twice as many
    seconds retry{2}; ///< while the store cannot be written
};

/// Loop only. open(), restore(), start(), then use, then close(); what failed to open is not used.
/// Lifetime: clock and owner outlive it. After start() it may be destroyed only when close() has ended.
class sqlite_store final : public session_store {
public:
    sqlite_store(loop_executor loop,
                 clock& time,
                 store_location location,
                 const store_limits& limits,
                 task_group::failure_handler on_bug);
    ~sqlite_store() override;

    /// Opens and verifies the file, or makes it.
    ///
    /// Errors: store_unavailable; opening() has the text. Found damage is no error, but is told there.
    [[nodiscard]] task<error_code> open();

    [[nodiscard]] const store_opening& opening() const noexcept { return opening_; }

    /// Gives everything that is stored to `reader`, in batches.
    ///
    /// Errors:   store_unavailable: it cannot be read; opening().fault has the text.
    /// Lifetime: the reader outlives the call.
    [[nodiscard]] task<error_code> restore(store_reader& reader);

    void start(store_owner& owner);

    /// Writes what waits and closes the file.
    ///
    /// Errors: store_unavailable: something could not be written.
    [[nodiscard]] task<error_code> close();

    /// From now on close() does not wait for a disk that has been at one call for that long. What was acknowledged is
    /// durable already, unless the store had to be written anew.
    void leave_when_stuck_for(steady_duration patience);

    /// See worker_thread::stop: false if the disk does not let go of the thread.
    [[nodiscard]] bool stop_worker(steady_duration patience) { return worker_.stop(patience); }

    /// Since when the worker is in its present call; empty while it rests. For the watchdog.
    [[nodiscard]] std::optional<steady_time> busy_since() const noexcept { return busy_since_; }

    [[nodiscard]] store_snapshot snapshot() const {
        store_snapshot now = snapshot_;
        now.writable = !fault_ && !unusable_;
        return now;
    }

    [[nodiscard]] bool accepting() const override;
    [[nodiscard]] bool has_room() const override;
    commit_ticket add(const session_id& id, const session_record& record) override;
    commit_ticket change(const session_id& id, const session_record& record) override;
    void note(const session_id& id, const session_record& record) override;
    commit_ticket forget(const session_id& id, std::optional<remembered_kind> remember) override;
    commit_ticket remember_event(std::uint64_t key, const session_id& session) override;
    [[nodiscard]] commit_ticket pending(const session_id& id) const override;
    [[nodiscard]] task<error_code> committed(commit_ticket ticket) override;

private:
    template <class T>
    using work = std::function<result<T>()>;

    template <class T>
    task<result<T>> run(work<T> what);
    // These leave what went wrong in fault_.
    task<error_code> run_step(std::function<store_fault(store_engine&)> step);
    task<error_code> commit(transaction groups);
    task<error_code> write_held();
    task<error_code> write_anew();
    task<error_code> list_sessions();
    task<error_code> list_remembered();

    task<> serve();
    task<> commit_next();
    task<> write_log_back();
    task<> try_again();
    task<> close_file();

    /// So much waits that it is cheaper to write the store anew from memory.
    [[nodiscard]] bool is_flooded() const;
    void take_notes();
    void take_success(const commit_outcome& outcome);
    void take_failure(const store_fault& fault);
    void tell_not_stored();
    void offer_room();
    void tick();
    void look_at_worker();
    void wake();
    [[nodiscard]] remembered_row row_of(const remembered_entry& entry) const;
    [[nodiscard]] time_mark mark() const;

    loop_executor loop_;
    clock& clock_;
    store_limits limits_;
    std::shared_ptr<store_engine> engine_; ///< used by the worker alone while it is busy
    worker_thread worker_;
    task_group tasks_;
    steady_timer wake_; ///< never expires: cancelled when there is something to do
    std::unique_ptr<wake_timer> tick_;
    std::unique_ptr<wake_timer> stuck_timer_;
    store_owner* owner_ = nullptr;

    store_opening opening_;
    std::optional<stored_timeline> line_;
    store_fault fault_; ///< of the last call of the worker
    store_snapshot snapshot_;
    write_queue queue_;
    note_board notes_;
    std::vector<session_id> not_stored_; ///< to be told at the next turn
    std::optional<steady_time> busy_since_;
    std::uint32_t log_pages_ = 0;
    steady_time next_mark_ = no_time;
    steady_time next_purge_ = no_time;
    steady_time next_try_ = no_time;
    bool no_room_ = false; ///< ids were refused because too much waits
    bool flush_ = false;   ///< a second has passed: notes are due
    bool closing_ = false;
    bool closed_ = false;
    bool stuck_ = false;         ///< the disk has not let go in time
    steady_duration patience_{}; ///< with a call of the worker, at the end
    bool unusable_ = false;      ///< cannot be written; told
    bool anew_ = false;          ///< has to be written anew before it can be used
    bool damaged_ = false;       ///< and the present file is kept aside
};

} // namespace kallglot

#endif
