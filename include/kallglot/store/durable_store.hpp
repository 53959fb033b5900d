/// The store: queues changes, commits them in groups on a worker thread, and recovers from a failing disk.
///
/// Changes that queue up while a commit runs share the next transaction, so that a thousand acknowledgements a second need
/// only a few syncs. While the disk is full or read-only the store accepts nothing and retries every few seconds. After a
/// failed write or sync the content of the disk is unknown: the store is rewritten from memory into a new file before
/// anything is acknowledged again. While a call of the disk does not return, callers are refused, and those that wait get
/// an error after some seconds. Calls that block are in the engine (ports/store_engine).

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
    std::size_t waiting = 262'144; ///< changes in the backlog; above it the store refuses new ids
    std::uint32_t log_pages =
        1000;         ///< from here on a checkpoint is due when idle, from twice as many at once
    seconds retry{2}; ///< while the disk cannot be written
    seconds patience{10}; ///< with one call of the disk, until callers are refused
};

/// Loop only. Call open(), restore(), start(), then use it, then close(). After a failed open() it is not used.
/// Lifetime: clock, logger and owner outlive it. After start() it may be destroyed only when close() has ended.
///
/// More than 15 members: the queue, the notes and the phases of one writer belong together. Each phase changes all of them.
class durable_store final : public session_store {
public:
    durable_store(loop_executor loop,
                  clock& time,
                  logger& log,
                  std::shared_ptr<store_engine> engine,
                  const store_limits& limits,
                  task_group::failure_handler on_bug);
    ~durable_store() override;

    /// Opens and verifies the store, or creates it, and logs what it found.
    ///
    /// Errors: store_unavailable; opening().fault has the text. Repaired damage is no error.
    [[nodiscard]] task<error_code> open();

    [[nodiscard]] const store_opening& opening() const noexcept { return opening_; }

    /// Passes everything that is stored to `reader`, in batches.
    ///
    /// Errors:   store_unavailable: it cannot be read; opening().fault has the text.
    /// Lifetime: the reader outlives the call.
    [[nodiscard]] task<error_code> restore(store_reader& reader);

    void start(store_owner& owner);

    /// Writes the backlog and closes the store. Nothing to do if open() failed or was not called.
    ///
    /// Errors: store_unavailable: something could not be written. Logged.
    [[nodiscard]] task<error_code> close();

    /// From now on close() abandons an engine call that has run for `timeout`. Acknowledged changes are durable already,
    /// unless the store had to be rewritten.
    void leave_when_stuck_for(steady_duration timeout);

    /// See worker_thread::stop: false if the thread is stuck in a call of the disk.
    [[nodiscard]] bool stop_worker(steady_duration timeout) { return worker_.stop(timeout); }

    /// Since when the present call of the worker has been running; empty while it is idle. For the watchdog.
    [[nodiscard]] std::uint64_t opening_progress() const noexcept { return worker_.progress(); }

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
    [[nodiscard]] std::optional<bool> writable() const {
        return worker_.is_persistent() ? std::optional(!fault_ && !is_failing() && !is_silent())
                                       : std::nullopt;
    }

    /// Nothing if the engine persists nothing.
    void report(gauge_sink& gauges) const;

    [[nodiscard]] bool accepting() const override;

    [[nodiscard]] bool has_room() const override {
        // A quarter leaves room for changes that cannot be delayed.
        return is_failing() || queue_.size() + notes_.size() < limits_.waiting / 4;
    }

    commit_ticket add(const session_id& id, const session_record& record) override;
    commit_ticket change(const session_id& id, const session_record& record) override;
    void note(const session_id& id, const session_record& record) override;
    commit_ticket forget(const session_id& id, std::optional<remembered_kind> remember) override;
    commit_ticket remember_event(const remembered_key& key, const session_id& session) override;

    void note_episode(const stuck_episode& episode) override { queue_untracked(row_of(episode)); }

    void forget_episode(episode_number number) override { queue_untracked(remove_episode{number}); }

    [[nodiscard]] commit_ticket pending(const session_id& id) const override {
        return queue_.pending(id);
    }

    [[nodiscard]] task<error_code> committed(commit_ticket ticket) override {
        return queue_.committed(ticket);
    }

private:
    /// From unwritable to damaged in the order of severity.
    enum class phase : std::uint8_t {
        /// Not started: nothing is accepted, since the sessions of the store are not restored yet.
        opening,

        /// Changes are accepted and committed.
        writable,

        /// The disk refuses writes (full, read-only), and the file is unchanged. Nothing is accepted; changes of tracked
        /// sessions are held in memory. The next attempt is at `due_.retry`.
        unwritable,

        /// As unwritable, but a write or sync failed, so the content of the file is unknown: the next attempt rewrites
        /// the store from memory.
        unknown,

        /// As unknown, and the file was found damaged: the rewrite sets it aside.
        damaged,

        /// close() has abandoned a call that does not return. Nothing more is written.
        stuck,

        /// close() has ended.
        closed,
    };

    /// When work that no caller asked for is due.
    struct due_times {
        steady_time mark = no_time;  ///< the next time mark
        steady_time purge = no_time; ///< the next removal of old keys
        steady_time retry = no_time; ///< the next attempt while failing
    };

    // These return store_unavailable on a failure, and the details are in fault_.
    task<error_code> run_step(std::function<store_fault(store_engine&)> step);
    task<error_code> commit(transaction groups);
    task<error_code> write_held();
    task<error_code> rewrite();
    template <class Entry>
    using lister = bool (store_owner::*)(std::uint64_t&, std::size_t, std::vector<Entry>&);
    template <class Row, class Entry>
    task<error_code> append_all(lister<Entry> list);

    task<> serve();
    task<> commit_next();
    task<> checkpoint();
    task<> recover();
    task<> close_engine();

    [[nodiscard]] bool is_failing() const noexcept {
        return phase_ >= phase::unwritable && phase_ <= phase::damaged;
    }

    [[nodiscard]] static phase phase_after(store_fault_kind kind) noexcept;

    /// The disk does not answer, as a network file system without its server. The call in progress cannot be interrupted.
    [[nodiscard]] bool is_silent() const noexcept {
        const auto since = worker_.busy_since();
        return since && clock_.now() - *since >= limits_.patience;
    }

    /// A better phase, unless close() has abandoned a call meanwhile.
    void enter(phase next) noexcept { phase_ = phase_ == phase::stuck ? phase_ : next; }

    /// A checkpoint delays commits, so it waits for an idle moment until the log is twice as long.
    [[nodiscard]] bool checkpoint_is_due() const noexcept {
        return log_pages_ >= limits_.log_pages * 2
               || (log_pages_ >= limits_.log_pages && queue_.empty());
    }

    /// The backlog is so long that a rewrite from memory is cheaper than writing it.
    [[nodiscard]] bool is_flooded() const noexcept { return queue_.size() >= 2 * limits_.waiting; }

    void log_opening();
    void queue_notes();
    void queue_untracked(store_change change);
    void take_success(const commit_outcome& outcome);
    void take_failure(const store_fault& fault);
    void report_not_stored();
    void offer_room();
    void tick();
    void look_at_worker();
    void release_callers_in_silence();

    /// Ends the wait of serve(). During one of its steps this does nothing: serve() looks for work after each step.
    void wake() { wake_.cancel(); }

    [[nodiscard]] remembered_row row_of(const remembered_entry& entry) const {
        return {entry.key, line_->to_stored(entry.at), entry.kind};
    }

    [[nodiscard]] stored_session row_of(const kept_session& kept) const {
        return to_stored(kept.id, kept.record, *line_);
    }

    [[nodiscard]] stored_episode row_of(const stuck_episode& episode) const {
        return to_stored(episode, *line_);
    }

    /// Relates stored times to both clocks as of now.
    [[nodiscard]] time_mark mark() const { return line_->mark(clock_.wall_now(), clock_.now()); }

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
    bool closing_ = false; ///< close() was called: write the backlog, then end
    bool flush_ = false;   ///< a second has passed: notes are due
    bool refused_ =
        false; ///< ids were refused, and the owner has not been offered room for all of them
    bool silence_reported_ = false; ///< the owner knows that the disk does not answer
    due_times due_;
    steady_duration stuck_after_{}; ///< close() abandons a call of the worker that runs longer

    store_opening opening_;
    std::optional<stored_timeline> line_;
    store_fault fault_; ///< of the last call of the worker
    counts counts_;
    std::uint32_t log_pages_ = 0;
    write_queue queue_;
    note_board notes_;
    std::vector<session_id> not_stored_; ///< serve() reports them before its next step
};

} // namespace kallglot

#endif
