#include "kallglot/store/durable_store.hpp"

#include "store/stored_content.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

/// How often notes are flushed.
constexpr steady_duration tick_interval = 1s;

/// Maximum age of the newest time mark: a step of the wall clock before a reboot shifts stored times by at most this.
constexpr steady_duration mark_interval = 1min;

/// How often remembered keys that are too old are removed.
constexpr steady_duration purge_interval = 10min;

store_fault too_many_changes() {
    // Changes were dropped, so the file no longer matches memory: "broken" asks for a rewrite.
    return {store_fault_kind::broken, "backlog full: the disk is slower than the changes"};
}

error_code unavailable() noexcept {
    return make_error_code(errc::store_unavailable);
}

} // namespace

durable_store::durable_store(loop_executor loop,
                             clock& time,
                             logger& log,
                             std::shared_ptr<store_engine> engine,
                             const store_limits& limits,
                             task_group::failure_handler on_bug)
    : clock_(time),
      log_(log),
      limits_(limits),
      worker_(loop, time, std::move(engine)),
      tasks_(loop, std::move(on_bug)),
      // Both are armed later: one wakes serve() when it is cancelled, the other flushes notes.
      wake_(loop, steady_timer::time_point::max()),
      tick_(make_timer<&durable_store::tick>(time, *this)),
      stuck_timer_(make_timer<&durable_store::look_at_worker>(time, *this)),
      queue_(loop, limits.bulk),
      notes_(limits.waiting) {}

durable_store::~durable_store() = default;

// Opening -------------------------------------------------------------------------------------------------------------

task<error_code> durable_store::open() {
    std::function<store_opening(store_engine&)> call = [wall = clock_.wall_now(),
                                                        now = clock_.now()](store_engine& engine) {
        return engine.open(wall, now);
    };
    result<store_opening> answer = co_await worker_.run(std::move(call));
    // Cancelled: the engine may have opened the file, but this object does not use it.
    if (!answer) {
        co_return answer.error();
    }
    opening_ = std::move(*answer);
    // Without line_ the store counts as not open, so that close() does nothing.
    if (opening_.fault) {
        co_return unavailable();
    }
    line_ = opening_.line;
    counts_.size_bytes = static_cast<double>(opening_.size_bytes);
    counts_.last_corruption_timestamp = static_cast<double>(opening_.last_corruption) / 1000;
    log_opening();
    co_return error_code{};
}

void durable_store::log_opening() {
    if (opening_.is_new) {
        log_.info("store created: no tracked sessions to restore", {{"path", worker_.name()}});
    }
    // A restart with a full disk restores its sessions all the same, so this is no reason to stop.
    if (opening_.writing) {
        log_.error("store not writable: stored sessions are tracked, new session ids are rejected",
                   {{"reason", opening_.writing.text}});
    }
    // The operator decides what becomes of the damaged file, so the log names it.
    if (opening_.damage) {
        log_.error("store was damaged and rebuilt: register missing ids again",
                   {{"reason", opening_.damage->reason},
                    {"damaged_file", opening_.damage->kept_as},
                    {"rows_saved", opening_.damage->saved},
                    {"rows_unreadable", opening_.damage->unreadable}});
    }
}

task<error_code> durable_store::restore(store_reader& reader) {
    reader.on_secret(opening_.secret);
    opening_.fault = co_await read_everything(&worker_, &clock_, &*line_, &reader);
    co_return opening_.fault ? unavailable() : error_code{};
}

void durable_store::start(store_owner& owner) {
    BOOST_ASSERT(line_);
    owner_ = &owner;
    phase_ = phase::writable;
    // Opening has written a mark. Keys may have become too old while the daemon was down.
    due_.mark = clock_.now() + mark_interval;
    due_.purge = clock_.now();
    // The failed write of open() counts as the first failure, so that the owner is notified.
    if (opening_.writing) {
        take_failure(opening_.writing);
    }
    tick_->wake_at(clock_.now() + tick_interval);
    tasks_.spawn("store", serve());
}

// Accepting changes ---------------------------------------------------------------------------------------------------

bool durable_store::accepting() const {
    // A new change of an id that has to be reported as not stored would be lost if the owner then drops the id.
    return phase_ == phase::writable && !closing_ && not_stored_.empty()
           && queue_.size() < limits_.waiting && !is_silent();
}

commit_ticket durable_store::add(const session_id& id, const session_record& record) {
    if (!accepting()) {
        // serve() reports the id, since a call of the owner from within add() would re-enter it.
        not_stored_.push_back(id);
        // While failing, recover() sets this flag at the end.
        refused_ = refused_ || !is_failing();
        wake();
        return commit_ticket::refused;
    }
    // The record that is queued now is newer than a note of the same id.
    notes_.drop(id);
    const commit_ticket ticket = queue_.push(to_stored(id, record, *line_),
                                             true,
                                             record.bulk ? write_lane::bulk : write_lane::single);
    wake();
    return ticket;
}

commit_ticket durable_store::change(const session_id& id, const session_record& record) {
    if (!accepting()) {
        // The caller is refused, but the change is still true: it is written when the disk permits.
        note(id, record);
        return commit_ticket::refused;
    }
    notes_.drop(id);
    const commit_ticket ticket =
        queue_.push(to_stored(id, record, *line_), false, write_lane::single);
    wake();
    return ticket;
}

void durable_store::note(const session_id& id, const session_record& record) {
    // Overflow makes serve() rewrite the store from memory, which has this change.
    if (is_flooded()) {
        notes_.overflow();
        return;
    }
    const stored_session row = to_stored(id, record, *line_);
    // An older state of the session may be queued in the bulk lane: the newer one must be written after it.
    if (!is_failing() && queue_.pending(id) != commit_ticket::durable) {
        queue_.push(row, false, write_lane::single);
        return;
    }
    notes_.note(row);
}

commit_ticket durable_store::forget(const session_id& id, std::optional<remembered_kind> remember) {
    if (is_flooded()) {
        notes_.overflow();
        return commit_ticket::refused;
    }
    // A note of this id, written after the removal, would have no row to update.
    notes_.drop(id);
    std::optional<remembered_row> key;
    if (remember) {
        key = row_of({key_of_session(opening_.secret, id.view()), clock_.now(), *remember});
    }
    // A removal is always accepted: what memory has forgotten must not return at the next start.
    if (is_failing()) {
        notes_.hold(remove_session{id});
        if (key) {
            notes_.hold(*key);
        }
        return commit_ticket::refused;
    }
    const commit_ticket ticket = queue_.push_removal(id, key);
    wake();
    return ticket;
}

commit_ticket durable_store::remember_event(const remembered_key& key, const session_id& session) {
    // The webhook route responds with 503 then, and the event is delivered again.
    if (!accepting()) {
        return commit_ticket::refused;
    }
    const commit_ticket ticket =
        queue_.push_key(row_of({key, clock_.now(), remembered_kind::event}), session);
    wake();
    return ticket;
}

// A change of no session's row, for which no caller waits: in the next transaction, and after a failure again.
void durable_store::queue_untracked(store_change change) {
    if (is_flooded()) {
        return notes_.overflow();
    }
    if (is_failing()) {
        return notes_.hold(std::move(change));
    }
    queue_.push_held(std::move(change));
    wake();
}

// Writing -------------------------------------------------------------------------------------------------------------

// Runs one step at a time: recover, flush, checkpoint or commit. Each step may change the phase, so the loop decides again
// after each. Without work it waits for wake().
task<> durable_store::serve() {
    while (phase_ != phase::stuck) {
        report_not_stored();
        offer_room();
        if (is_failing()) {
            // When closing, one last attempt is made at once.
            if (closing_ || clock_.now() >= due_.retry) {
                co_await recover();
                if (is_failing() && closing_) {
                    co_return;
                }
                continue;
            }
        } else {
            queue_notes();
            // Notes that overflowed are a failure: recover at once.
            if (is_failing()) {
                continue;
            }
            // Before the commit: at twice the limit the log must not grow further.
            if (checkpoint_is_due()) {
                co_await checkpoint();
                continue;
            }
            if (!queue_.empty()) {
                co_await commit_next();
                continue;
            }
            // Closing ends only when the last notes are committed.
            if (closing_ && !flush_) {
                co_return;
            }
        }
        co_await wake_.async_wait(as_tuple);
    }
}

void durable_store::queue_notes() {
    if (notes_.overflowed()) {
        take_failure(too_many_changes());
        return;
    }
    if (!flush_) {
        return;
    }
    // A mark and a purge share the transaction of the notes: they need no sync of their own.
    change_group group;
    group.changes = notes_.take(limits_.notes);
    const steady_time now = clock_.now();
    if (now >= due_.mark) {
        group.mark = mark();
        due_.mark = now + mark_interval;
    }
    if (now >= due_.purge) {
        group.purge_before = line_->to_stored(now - remembered_keys::retention);
        due_.purge = now + purge_interval;
    }
    // Notes above the limit of one transaction follow in the next.
    flush_ = notes_.has_notes();
    if (!group.changes.empty() || group.mark || group.purge_before) {
        queue_.push_group(std::move(group));
    }
}

task<error_code> durable_store::run_step(std::function<store_fault(store_engine&)> step) {
    result<store_fault> answer = co_await worker_.run(std::move(step));
    fault_ = answer ? std::move(*answer) : cut_off();
    co_return fault_ ? unavailable() : error_code{};
}

task<error_code> durable_store::commit(transaction groups) {
    std::function<commit_outcome(store_engine&)> call =
        [groups = std::move(groups)](store_engine& engine) {
            return engine.commit(groups);
        };
    result<commit_outcome> answer = co_await worker_.run(std::move(call));
    fault_ = answer ? answer->fault : cut_off();
    if (fault_) {
        co_return unavailable();
    }
    take_success(*answer);
    co_return error_code{};
}

task<> durable_store::commit_next() {
    const error_code error = co_await commit(queue_.begin());
    // take_failure() settles the tickets as failed, succeed() as durable.
    if (error) {
        take_failure(fault_);
        co_return;
    }
    queue_.succeed();
}

task<> durable_store::checkpoint() {
    std::function<store_fault(store_engine&)> step = &store_engine::checkpoint;
    const error_code error = co_await run_step(std::move(step));
    // Also after a failure: the next commit reports the length again.
    log_pages_ = 0;
    if (error) {
        take_failure(fault_);
    }
}

void durable_store::take_success(const commit_outcome& outcome) {
    ++counts_.writes_total;
    counts_.last_commit_timestamp = unix_seconds(clock_.wall_now());
    counts_.size_bytes = static_cast<double>(outcome.size_bytes);
    log_pages_ = outcome.log_pages;
    // A purge is bounded in each transaction: continue with the next flush.
    if (outcome.more_to_purge) {
        due_.purge = clock_.now();
    }
}

void durable_store::report_not_stored() {
    // All in one loop iteration, and before a caller that waits for them resumes: it then finds the final state.
    if (!not_stored_.empty()) {
        const std::vector<session_id> ids = std::exchange(not_stored_, {});
        owner_->on_not_stored(ids);
    }
}

void durable_store::offer_room() {
    // Half of the limit, so that the owner can add a good number of ids before the store refuses again.
    if (refused_ && !is_failing() && queue_.size() < limits_.waiting / 2) {
        refused_ = owner_->on_store_room();
    }
}

// Recovery ------------------------------------------------------------------------------------------------------------

durable_store::phase durable_store::phase_after(store_fault_kind kind) noexcept {
    // A kind that should not occur after open() is handled like an unknown content: a rewrite makes it right again.
    switch (kind) {
        case store_fault_kind::unwritable:
            return phase::unwritable;
        case store_fault_kind::damaged:
            return phase::damaged;
        case store_fault_kind::none:
        case store_fault_kind::broken:
        case store_fault_kind::locked:
        case store_fault_kind::refused:
            break;
    }
    return phase::unknown;
}

void durable_store::take_failure(const store_fault& fault) {
    ++counts_.write_failures_total;
    fault_ = fault;
    const phase before = phase_;
    // Phases are in the order of severity, and a fault never lowers it.
    phase_ = std::max(phase_, phase_after(fault.kind));

    // All queued groups fail: new ids are reported back, changes that are still true are held.
    write_queue::failure left = queue_.fail();
    for (store_change& change : left.again) {
        notes_.hold(std::move(change));
    }
    not_stored_.insert(not_stored_.end(), left.not_stored.begin(), left.not_stored.end());

    // The first rewrite starts at once. After a failed one the store waits, as after a refused write.
    const bool first_rewrite = phase_ >= phase::unknown && before < phase::unknown;
    due_.retry = clock_.now() + (first_rewrite ? 0s : limits_.retry);
    // Once for each outage, not for each attempt.
    if (before < phase::unwritable) {
        owner_->on_store_unusable(fault.text);
    }
}

task<> durable_store::recover() {
    // Notes are flushed after the recovery.
    flush_ = false;
    error_code error;
    // Dropped changes are only in memory, so the file needs a rewrite even if it is intact.
    if (phase_ >= phase::unknown || notes_.overflowed()) {
        error = co_await rewrite();
    }
    if (!error) {
        error = co_await write_held();
    }
    if (error) {
        take_failure(fault_);
        co_return;
    }
    // Ids that were refused meanwhile are reported first, so that the owner adds them again in on_store_room().
    report_not_stored();
    enter(phase::writable);
    flush_ = true;
    owner_->on_store_usable();
    // Makes offer_room() call the owner.
    refused_ = true;
}

task<error_code> durable_store::write_held() {
    // Changes that are held during the commit are not part of it. The mark proves that the disk accepts writes.
    const std::size_t count = notes_.held().size();
    auto group = std::make_shared<change_group>();
    group->changes = notes_.held();
    group->mark = mark();
    transaction groups(1, group);
    const error_code error = co_await commit(std::move(groups));
    if (error) {
        co_return error;
    }
    // So many changes arrived during the commit that they were dropped: only a rewrite has them.
    if (notes_.overflowed()) {
        fault_ = too_many_changes();
        co_return unavailable();
    }
    notes_.release_held(count);
    // The rest goes ahead of new changes, which are accepted from now on.
    for (store_change& change : notes_.take_held()) {
        queue_.push_held(std::move(change));
    }
    co_return error_code{};
}

// Lists one batch of memory at a time on the loop, and appends it on the worker. Between two batches the loop runs, so
// rows may change: those changes are noted.
template <class Row, class Entry>
task<error_code> durable_store::append_all(lister<Entry> list) {
    std::uint64_t cursor = 0;
    for (bool more = true; more;) {
        std::vector<Entry> entries;
        more = (owner_->*list)(cursor, rows_a_call, entries);
        std::vector<Row> rows;
        for (const Entry& entry : entries) {
            rows.push_back(row_of(entry));
        }
        std::function<store_fault(store_engine&)> step =
            [rows = std::move(rows)](store_engine& engine) {
                return engine.append(rows);
            };
        if (const error_code error = co_await run_step(std::move(step))) {
            co_return error;
        }
    }
    co_return error_code{};
}

task<error_code> durable_store::rewrite() {
    phase_ = std::max(phase_, phase::unknown);
    // Memory has everything in its newest state, so older changes are dropped. Changes from now on are noted again.
    notes_.overflow();
    notes_.clear_overflow();
    // A new file, beside the present one.
    std::function<store_fault(store_engine&)> step =
        [first = mark(), damaged = phase_ == phase::damaged](store_engine& engine) {
            return engine.begin_rewrite(first, damaged);
        };
    error_code error = co_await run_step(std::move(step));
    // All tracked sessions.
    if (!error) {
        error = co_await append_all<stored_session>(&store_owner::list_sessions);
    }
    // Then the remembered keys, or ended sessions would be tracked again.
    if (!error) {
        error = co_await append_all<remembered_row>(&store_owner::list_remembered);
    }
    if (!error) {
        error = co_await append_all<stored_episode>(&store_owner::list_episodes);
    }
    // Complete: the new file replaces the old one.
    if (!error) {
        step = &store_engine::finish_rewrite;
        error = co_await run_step(std::move(step));
    }
    if (!error) {
        if (phase_ == phase::damaged) {
            counts_.last_corruption_timestamp = unix_seconds(clock_.wall_now());
        }
        // The new file is good, and recover() has yet to write the held changes into it.
        enter(phase::unwritable);
        log_pages_ = 0;
    }
    co_return error;
}

// Closing -------------------------------------------------------------------------------------------------------------

task<error_code> durable_store::close() {
    // open() failed or was not called.
    if (!line_) {
        co_return error_code{};
    }
    // serve() flushes the notes, commits the backlog and ends.
    tick_->cancel();
    closing_ = true;
    flush_ = true;
    wake();
    co_await tasks_.join();
    // A failing disk has lost the held changes. A stuck worker cannot take another call.
    bool lost = is_failing() || phase_ == phase::stuck;
    if (phase_ != phase::stuck) {
        // As a task of the group, so that look_at_worker() can cancel it too.
        tasks_.spawn("store_close", close_engine());
        co_await tasks_.join();
        lost = lost || phase_ == phase::stuck || fault_;
    }
    phase_ = phase::closed;
    stuck_timer_->cancel();
    if (lost) {
        log_.error("store not closed cleanly: unwritten changes are lost, acknowledged ids are not",
                   {{"reason", fault_.text}});
    }
    co_return lost ? unavailable() : error_code{};
}

task<> durable_store::close_engine() {
    std::function<store_fault(store_engine&)> step = [last = mark()](store_engine& engine) {
        return engine.close(last);
    };
    static_cast<void>(co_await run_step(std::move(step)));
}

void durable_store::leave_when_stuck_for(steady_duration timeout) {
    if (line_) {
        stuck_after_ = timeout;
        look_at_worker();
    }
}

void durable_store::look_at_worker() {
    if (phase_ == phase::closed) {
        return;
    }
    // An idle worker gets the full timeout from now on, so that the next look is not too early.
    const steady_time now = clock_.now();
    const steady_time limit = worker_.busy_since().value_or(now) + stuck_after_;
    if (now < limit) {
        stuck_timer_->wake_at(limit);
        return;
    }
    // The thread cannot be interrupted. Cancelling the tasks lets close() end without it.
    phase_ = phase::stuck;
    tasks_.cancel(asio::cancellation_type::terminal);
}

// Times and reports ---------------------------------------------------------------------------------------------------

void durable_store::report(gauge_sink& gauges) const {
    if (!worker_.is_persistent()) {
        return;
    }
    gauges.set(metric::store_writes, static_cast<double>(counts_.writes_total));
    gauges.set(metric::store_write_failures, static_cast<double>(counts_.write_failures_total));
    gauges.set(metric::store_last_commit, counts_.last_commit_timestamp);
    gauges.set(metric::store_size, counts_.size_bytes);
    gauges.set(metric::store_last_corruption, counts_.last_corruption_timestamp);
}

// A call that returns is handled by serve(); until then nothing but this looks at those that wait.
void durable_store::release_callers_in_silence() {
    const bool was_reported = std::exchange(silence_reported_, is_silent());
    if (silence_reported_) {
        queue_.release_callers();
    }
    if (silence_reported_ && !was_reported) {
        owner_->on_store_unusable("the file system of the store does not answer");
    } else if (was_reported && !silence_reported_ && !is_failing()) {
        owner_->on_store_usable();
    }
}

void durable_store::tick() {
    flush_ = true;
    release_callers_in_silence();
    tick_->wake_at(clock_.now() + tick_interval);
    wake();
}

} // namespace kallglot
