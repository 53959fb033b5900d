#include "kallglot/store/durable_store.hpp"

#include "store/stored_content.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

constexpr steady_duration tick_interval = 1s;

/// How old the newest time mark may be: a step of the wall clock before a reboot costs that much.
constexpr steady_duration mark_interval = 1min;
constexpr steady_duration purge_interval = 10min;

store_fault too_many_changes() {
    return {store_fault_kind::broken, "more changes than the disk can take"};
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
      wake_(loop, steady_timer::time_point::max()),
      tick_(time.make_timer([](void* self) { static_cast<durable_store*>(self)->tick(); }, this)),
      stuck_timer_(
          time.make_timer([](void* self) { static_cast<durable_store*>(self)->look_at_worker(); },
                          this)),
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
    if (!answer) {
        co_return answer.error();
    }
    opening_ = std::move(*answer);
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
        log_.info("store created", {{"path", worker_.name()}});
    }
    if (opening_.writing) {
        log_.error("store readable but not writable", {{"reason", opening_.writing.text}});
    }
    if (opening_.damage) {
        log_.error("store was damaged: repaired as far as possible",
                   {{"reason", opening_.damage->reason},
                    {"kept_as", opening_.damage->kept_as},
                    {"saved", opening_.damage->saved},
                    {"unreadable", opening_.damage->unreadable}});
    }
}

task<error_code> durable_store::restore(store_reader& reader) {
    opening_.fault = co_await read_everything(&worker_, &clock_, &*line_, &reader);
    co_return opening_.fault ? unavailable() : error_code{};
}

void durable_store::start(store_owner& owner) {
    BOOST_ASSERT(line_);
    owner_ = &owner;
    phase_ = phase::writable;
    due_.mark = clock_.now() + mark_interval;
    due_.purge = clock_.now();
    if (opening_.writing) {
        take_failure(opening_.writing);
    }
    tick_->wake_at(clock_.now() + tick_interval);
    tasks_.spawn("store", serve());
}

// Accepting changes ---------------------------------------------------------------------------------------------------

bool durable_store::accepting() const {
    // Ids that are to be reported as not stored go first: their owner may drop them.
    return phase_ == phase::writable && !closing_ && not_stored_.empty()
           && queue_.size() < limits_.waiting;
}

bool durable_store::has_room() const {
    return is_failing() || queue_.size() + notes_.size() < limits_.waiting / 4;
}

bool durable_store::is_flooded() const {
    return queue_.size() >= 2 * limits_.waiting;
}

commit_ticket durable_store::add(const session_id& id, const session_record& record) {
    if (!accepting()) {
        not_stored_.push_back(id);
        refused_ = refused_ || !is_failing();
        wake();
        return commit_ticket::refused;
    }
    notes_.drop(id);
    const commit_ticket ticket = queue_.push(to_stored(id, record, *line_),
                                             true,
                                             record.bulk ? write_lane::bulk : write_lane::single);
    wake();
    return ticket;
}

commit_ticket durable_store::change(const session_id& id, const session_record& record) {
    if (!accepting()) {
        // Still true, so it is written when that is possible; the caller is refused.
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
    if (is_flooded()) {
        notes_.overflow();
        return;
    }
    const stored_session row = to_stored(id, record, *line_);
    // An older state of the session may wait in the longer lane: the newer one goes behind it.
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
    notes_.drop(id);
    std::optional<remembered_row> key;
    if (remember) {
        key = row_of({remembered_key(id.view()), clock_.now(), *remember});
    }
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

commit_ticket durable_store::remember_event(std::uint64_t key, const session_id& session) {
    if (!accepting()) {
        return commit_ticket::refused;
    }
    const commit_ticket ticket =
        queue_.push_key(row_of({key, clock_.now(), remembered_kind::event}), session);
    wake();
    return ticket;
}

commit_ticket durable_store::pending(const session_id& id) const {
    return queue_.pending(id);
}

task<error_code> durable_store::committed(commit_ticket ticket) {
    return queue_.committed(ticket);
}

// Writing -------------------------------------------------------------------------------------------------------------

task<> durable_store::serve() {
    while (phase_ != phase::stuck) {
        report_not_stored();
        offer_room();
        if (is_failing()) {
            // At the end there is one more try, and no waiting for another.
            if (closing_ || clock_.now() >= due_.retry) {
                co_await recover();
                if (is_failing() && closing_) {
                    co_return;
                }
                continue;
            }
        } else {
            queue_notes();
            if (is_failing()) {
                continue;
            }
            if (checkpoint_is_due()) {
                co_await checkpoint();
                continue;
            }
            if (!queue_.empty()) {
                co_await commit_next();
                continue;
            }
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
    if (error) {
        take_failure(fault_);
        co_return;
    }
    queue_.succeed();
}

bool durable_store::checkpoint_is_due() const {
    return log_pages_ >= limits_.log_pages * 2
           || (log_pages_ >= limits_.log_pages && queue_.empty());
}

task<> durable_store::checkpoint() {
    std::function<store_fault(store_engine&)> step = [](store_engine& engine) {
        return engine.checkpoint();
    };
    const error_code error = co_await run_step(std::move(step));
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
    if (outcome.more_to_purge) {
        due_.purge = clock_.now();
    }
}

void durable_store::report_not_stored() {
    // All in one turn, and before any caller that waits for them is resumed: what it finds then is what stays.
    if (!not_stored_.empty()) {
        const std::vector<session_id> ids = std::exchange(not_stored_, {});
        owner_->on_not_stored(ids);
    }
}

void durable_store::offer_room() {
    if (refused_ && !is_failing() && queue_.size() < limits_.waiting / 2) {
        refused_ = owner_->on_store_room();
    }
}

// Recovery ------------------------------------------------------------------------------------------------------------

durable_store::phase durable_store::phase_after(store_fault_kind kind) noexcept {
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
    // Phases are in the order of how much is wrong, and a fault never makes less of it.
    phase_ = std::max(phase_, phase_after(fault.kind));

    // What waits has failed: new ids are reported back, changes that are still true are held.
    write_queue::failure left = queue_.fail();
    for (store_change& change : left.again) {
        notes_.hold(std::move(change));
    }
    not_stored_.insert(not_stored_.end(), left.not_stored.begin(), left.not_stored.end());

    // A rewrite need not wait, unless it has just failed.
    const bool first_rewrite = phase_ >= phase::unknown && before < phase::unknown;
    due_.retry = clock_.now() + (first_rewrite ? 0s : limits_.retry);
    if (before < phase::unwritable) {
        owner_->on_store_unusable(fault.text);
    }
}

task<> durable_store::recover() {
    // A flush in the meantime would find nothing to write into.
    flush_ = false;
    error_code error;
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
    // Ids that were refused meanwhile are reported first, so that the owner offers them again now.
    report_not_stored();
    enter(phase::writable);
    flush_ = true;
    owner_->on_store_usable();
    refused_ = true;
}

task<error_code> durable_store::write_held() {
    // What is held meanwhile stays, for the next commit. The mark makes sure that something is written.
    const std::size_t count = notes_.held().size();
    auto group = std::make_shared<change_group>();
    group->changes = notes_.held();
    group->mark = mark();
    transaction groups(1, group);
    const error_code error = co_await commit(std::move(groups));
    if (error) {
        co_return error;
    }
    if (notes_.overflowed()) {
        fault_ = too_many_changes();
        co_return unavailable();
    }
    notes_.release_held(count);
    for (store_change& change : notes_.take_held()) {
        queue_.push_held(std::move(change));
    }
    co_return error_code{};
}

template <class Row>
task<error_code> durable_store::append_all(
    std::function<bool(std::uint64_t&, std::vector<Row>&)> next) {
    std::uint64_t cursor = 0;
    for (bool more = true; more;) {
        std::vector<Row> rows;
        more = next(cursor, rows);
        std::function<store_fault(store_engine&)> step =
            [rows = std::move(rows)](store_engine& engine) {
                return engine.append(rows);
            };
        const error_code error = co_await run_step(std::move(step));
        if (error) {
            co_return error;
        }
    }
    co_return error_code{};
}

task<error_code> durable_store::rewrite() {
    phase_ = std::max(phase_, phase::unknown);
    // Memory has everything, and newer; what changes from now on is noted again.
    notes_.overflow();
    notes_.clear_overflow();
    std::function<store_fault(store_engine&)> step =
        [first = mark(), damaged = phase_ == phase::damaged](store_engine& engine) {
            return engine.begin_rewrite(first, damaged);
        };
    error_code error = co_await run_step(std::move(step));
    if (!error) {
        std::function<bool(std::uint64_t&, std::vector<stored_session>&)> next =
            [this](std::uint64_t& cursor, std::vector<stored_session>& rows) {
                std::vector<kept_session> sessions;
                const bool more = owner_->list_sessions(cursor, rows_a_call, sessions);
                for (const kept_session& kept : sessions) {
                    rows.push_back(to_stored(kept.id, kept.record, *line_));
                }
                return more;
            };
        error = co_await append_all(std::move(next));
    }
    if (!error) {
        std::function<bool(std::uint64_t&, std::vector<remembered_row>&)> next =
            [this](std::uint64_t& cursor, std::vector<remembered_row>& rows) {
                std::vector<remembered_entry> entries;
                const bool more = owner_->list_remembered(cursor, rows_a_call, entries);
                for (const remembered_entry& entry : entries) {
                    rows.push_back(row_of(entry));
                }
                return more;
            };
        error = co_await append_all(std::move(next));
    }
    if (!error) {
        step = [](store_engine& engine) {
            return engine.finish_rewrite();
        };
        error = co_await run_step(std::move(step));
    }
    if (!error) {
        if (phase_ == phase::damaged) {
            counts_.last_corruption_timestamp = unix_seconds(clock_.wall_now());
        }
        // The fresh file is good; what is held has yet to be written into it.
        enter(phase::unwritable);
        log_pages_ = 0;
    }
    co_return error;
}

// Closing -------------------------------------------------------------------------------------------------------------

task<error_code> durable_store::close() {
    if (!line_) {
        co_return error_code{};
    }
    tick_->cancel();
    closing_ = true;
    flush_ = true;
    wake();
    co_await tasks_.join();
    bool lost = is_failing() || phase_ == phase::stuck;
    if (phase_ != phase::stuck) {
        tasks_.spawn("store_close", close_engine());
        co_await tasks_.join();
        lost = lost || phase_ == phase::stuck || fault_;
    }
    phase_ = phase::closed;
    stuck_timer_->cancel();
    if (lost) {
        log_.error("store not closed cleanly", {{"reason", fault_.text}});
    }
    co_return lost ? unavailable() : error_code{};
}

task<> durable_store::close_engine() {
    std::function<store_fault(store_engine&)> step = [last = mark()](store_engine& engine) {
        return engine.close(last);
    };
    static_cast<void>(co_await run_step(std::move(step)));
}

void durable_store::leave_when_stuck_for(steady_duration patience) {
    if (line_) {
        patience_ = patience;
        look_at_worker();
    }
}

void durable_store::look_at_worker() {
    if (phase_ == phase::closed) {
        return;
    }
    const steady_time now = clock_.now();
    const steady_time limit = worker_.busy_since().value_or(now) + patience_;
    if (now < limit) {
        stuck_timer_->wake_at(limit);
        return;
    }
    phase_ = phase::stuck;
    tasks_.cancel(asio::cancellation_type::terminal);
}

// Everything else -----------------------------------------------------------------------------------------------------

std::optional<bool> durable_store::writable() const {
    return worker_.is_persistent() ? std::optional(!fault_ && !is_failing()) : std::nullopt;
}

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

void durable_store::tick() {
    flush_ = true;
    tick_->wake_at(clock_.now() + tick_interval);
    wake();
}

void durable_store::wake() {
    wake_.cancel();
}

remembered_row durable_store::row_of(const remembered_entry& entry) const {
    return {entry.key, line_->to_stored(entry.at), entry.kind};
}

time_mark durable_store::mark() const {
    return line_->mark(clock_.wall_now(), clock_.now());
}

} // namespace kallglot
