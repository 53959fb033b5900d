/// The store: queues changes, commits them in groups on a worker thread, and recovers from a failing disk.
///
/// Whatever queued while the last commit ran goes into the next transaction, so that a thousand acknowledgements a second
/// share a few syncs. While the disk is full or read-only nothing is accepted, and the store retries every few seconds.
/// After a failed write or sync the content of the disk is unknown: the store is rewritten from memory into a fresh place
/// before anything is acknowledged again. What blocks is in the engine (ports/store_engine).

#ifndef KALLGLOT_STORE_DURABLE_STORE_HPP
#define KALLGLOT_STORE_DURABLE_STORE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/ports/store_engine.hpp"
#include "store/engine_worker.hpp"
#include "store/note_board.hpp"
#include "store/write_queue.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace kallglot {

struct store_limits {
    std::size_t notes = 4096; ///< in one transaction
    std::size_t bulk = 512; ///< ids of imports in one transaction, since other changes wait for it
    std::size_t waiting = 262'144; ///< changes in the backlog; above it intake is refused
    std::uint32_t log_pages =
        1000;         ///< a checkpoint is due above it: when idle, or at twice as many
    seconds retry{2}; ///< while the disk cannot be written
};

/// Loop only. open(), restore(), start(), then use, then close(); what failed to open is not used.
/// Lifetime: clock, logger and owner outlive it. After start() it may be destroyed only when close() has ended.
///
/// More than 15 members: the queue, the notes and the phases of one writer belong together, and a part of them alone would
/// be wrong in each phase.
class durable_store final : public session_store {
public:
    durable_store(loop_executor loop,
                  clock& time,
                  logger& log,
                  std::shared_ptr<store_engine> engine,
                  const store_limits& limits,
                  task_group::failure_handler on_bug);
    ~durable_store() override;

    /// Opens and verifies the store, or makes it, and logs what it found.
    ///
    /// Errors: store_unavailable; opening().fault has the text. Repaired damage is no error.
    [[nodiscard]] task<error_code> open();

    [[nodiscard]] const store_opening& opening() const noexcept { return opening_; }

    /// Gives everything that is stored to `reader`, in batches.
    ///
    /// Errors:   store_unavailable: it cannot be read; opening().fault has the text.
    /// Lifetime: the reader outlives the call.
    [[nodiscard]] task<error_code> restore(store_reader& reader);

    void start(store_owner& owner);

    /// Writes the backlog and closes the store. Nothing to do if open() failed or was not called.
    ///
    /// Errors: store_unavailable: something could not be written. Logged.
    [[nodiscard]] task<error_code> close();

    /// From now on close() gives up on a call that has been running for that long. What was acknowledged is durable
    /// already, unless the store had to be rewritten.
    void leave_when_stuck_for(steady_duration patience);

    /// See worker_thread::stop: false if the disk does not let go of the thread.
    [[nodiscard]] bool stop_worker(steady_duration patience) { return worker_.stop(patience); }

    /// Since when the worker is in its present call; empty while it is idle. For the watchdog.
    [[nodiscard]] std::optional<steady_time> busy_since() const noexcept {
        return worker_.busy_since();
    }

    struct counts {
        std::uint64_t writes_total = 0;
        std::uint64_t write_failures_total = 0;
        std::optional<double> last_commit_timestamp;
        std::optional<double> size_bytes;
        double last_corruption_timestamp = 0; ///< 0 = never
    };

    [[nodiscard]] const counts& counted() const noexcept { return counts_; }

    /// Empty if the engine persists nothing; false: new ids are refused.
    [[nodiscard]] std::optional<bool> writable() const;

    /// Nothing if the engine persists nothing.
    void report(gauge_sink& gauges) const;

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
    /// In the order of how much is wrong.
    enum class phase : std::uint8_t {
        /// Not started: nothing is accepted, since a restore would overwrite it.
        opening,

        /// Changes are accepted and committed.
        writable,

        /// The disk refuses writes (full, read-only), and the file is as it was. Nothing is accepted; changes of tracked
        /// sessions are held in memory. The next try is at `due_.retry`.
        unwritable,

        /// As unwritable, but a write or sync failed, so the content of the file is unknown: the next try rewrites the
        /// store from memory.
        unknown,

        /// As unknown, and the file was found damaged: the rewrite sets it aside.
        damaged,

        /// close() has given up on a call that does not return. Nothing more is written.
        stuck,

        /// close() has ended.
        closed,
    };

    /// Housekeeping that the next commits have to do.
    struct due_times {
        steady_time mark = no_time;
        steady_time purge = no_time;
        steady_time retry = no_time;
    };

    // These leave what went wrong in fault_.
    task<error_code> run_step(std::function<store_fault(store_engine&)> step);
    task<error_code> commit(transaction groups);
    task<error_code> write_held();
    task<error_code> rewrite();
    template <class Row>
    task<error_code> append_all(std::function<bool(std::uint64_t&, std::vector<Row>&)> next);

    task<> serve();
    task<> commit_next();
    task<> checkpoint();
    task<> recover();
    task<> close_engine();

    [[nodiscard]] bool is_failing() const noexcept {
        return phase_ >= phase::unwritable && phase_ <= phase::damaged;
    }

    [[nodiscard]] static phase phase_after(store_fault_kind kind) noexcept;

    /// A better phase, unless close() has given up meanwhile.
    void enter(phase next) noexcept { phase_ = phase_ == phase::stuck ? phase_ : next; }

    [[nodiscard]] bool checkpoint_is_due() const;

    /// The backlog is so long that a rewrite from memory is cheaper.
    [[nodiscard]] bool is_flooded() const;

    void log_opening();
    void queue_notes();
    void take_success(const commit_outcome& outcome);
    void take_failure(const store_fault& fault);
    void report_not_stored();
    void offer_room();
    void tick();
    void look_at_worker();
    void wake();
    [[nodiscard]] remembered_row row_of(const remembered_entry& entry) const;
    [[nodiscard]] time_mark mark() const;

    clock& clock_;
    logger& log_;
    store_limits limits_;
    engine_worker worker_;
    task_group tasks_;
    steady_timer wake_; ///< never expires: cancelled when there is something to do
    std::unique_ptr<wake_timer> tick_;
    std::unique_ptr<wake_timer> stuck_timer_;
    store_owner* owner_ = nullptr;

    phase phase_ = phase::opening;
    bool closing_ = false; ///< close() was called: write what is left, and end
    bool flush_ = false;   ///< a second has passed: notes are due
    bool refused_ = false; ///< ids were refused because the backlog was too long
    due_times due_;
    steady_duration patience_{}; ///< of close() with one call of the worker

    store_opening opening_;
    std::optional<stored_timeline> line_;
    store_fault fault_; ///< of the last call of the worker
    counts counts_;
    std::uint32_t log_pages_ = 0;
    write_queue queue_;
    note_board notes_;
    std::vector<session_id> not_stored_; ///< to be reported in the next turn
};

} // namespace kallglot

#endif
