#include "kallglot/store/sqlite_store.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

using namespace std::chrono_literals;

constexpr steady_duration tick_interval = 1s;

/// How old the newest time mark may be: what a step of the wall clock before a reboot can cost.
constexpr steady_duration mark_interval = 1min;
constexpr steady_duration purge_interval = 10min;

} // namespace

sqlite_store::sqlite_store(loop_executor loop,
                           clock& time,
                           store_location location,
                           const store_limits& limits,
                           task_group::failure_handler on_bug)
    : loop_(std::move(loop)),
      clock_(time),
      limits_(limits),
      engine_(
          std::make_shared<store_engine>(std::move(location.path), std::move(location.boot_id))),
      worker_(loop_, "store"),
      tasks_(loop_, std::move(on_bug)),
      wake_(loop_, steady_timer::time_point::max()),
      tick_(time.make_timer([](void* self) { static_cast<sqlite_store*>(self)->tick(); }, this)),
      stuck_timer_(
          time.make_timer([](void* self) { static_cast<sqlite_store*>(self)->look_at_worker(); },
                          this)),
      queue_(loop_, limits.bulk),
      notes_(limits.waiting) {}

sqlite_store::~sqlite_store() = default;

void sqlite_store::start(store_owner& owner) {
    BOOST_ASSERT(line_);
    owner_ = &owner;
    next_mark_ = clock_.now() + mark_interval;
    next_purge_ = clock_.now();
    if (opening_.writing) {
        take_failure(opening_.writing);
    }
    tick_->wake_at(clock_.now() + tick_interval);
    tasks_.spawn("store", serve());
}

bool sqlite_store::accepting() const {
    // Not before start(): what is being restored would overwrite it.
    // Those that are to be told as not stored are told before others are taken: the owner may drop them.
    return owner_ != nullptr && !unusable_ && !closing_ && not_stored_.empty()
           && queue_.size() < limits_.waiting;
}

bool sqlite_store::has_room() const {
    return unusable_ || queue_.size() + notes_.size() < limits_.waiting / 4;
}

commit_ticket sqlite_store::add(const session_id& id, const session_record& record) {
    if (!accepting()) {
        not_stored_.push_back(id);
        no_room_ = no_room_ || !unusable_;
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

commit_ticket sqlite_store::change(const session_id& id, const session_record& record) {
    if (!accepting()) {
        // Still true, so it is written when that is possible; whoever waits is told no.
        note(id, record);
        return commit_ticket::refused;
    }
    notes_.drop(id);
    const commit_ticket ticket =
        queue_.push(to_stored(id, record, *line_), false, write_lane::single);
    wake();
    return ticket;
}

void sqlite_store::note(const session_id& id, const session_record& record) {
    if (is_flooded()) {
        notes_.overflow();
        return;
    }
    const stored_session row = to_stored(id, record, *line_);
    // Behind the older state, if that is on its way: it may wait in the longer lane.
    if (!unusable_ && queue_.pending(id) != commit_ticket::durable) {
        queue_.push(row, false, write_lane::single);
        return;
    }
    notes_.note(row);
}

commit_ticket sqlite_store::forget(const session_id& id, std::optional<remembered_kind> remember) {
    if (is_flooded()) {
        notes_.overflow();
        return commit_ticket::refused;
    }
    notes_.drop(id);
    std::optional<remembered_row> key;
    if (remember) {
        key = row_of({remembered_key(id.view()), clock_.now(), *remember});
    }
    if (unusable_) {
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

commit_ticket sqlite_store::remember_event(std::uint64_t key, const session_id& session) {
    if (!accepting()) {
        return commit_ticket::refused;
    }
    const commit_ticket ticket =
        queue_.push_key(row_of({key, clock_.now(), remembered_kind::event}), session);
    wake();
    return ticket;
}

commit_ticket sqlite_store::pending(const session_id& id) const {
    return queue_.pending(id);
}

task<error_code> sqlite_store::committed(commit_ticket ticket) {
    return queue_.committed(ticket);
}

task<> sqlite_store::serve() {
    while (!stuck_) {
        tell_not_stored();
        offer_room();
        if (unusable_) {
            // At the end one more try, and no waiting for another.
            if (closing_ || clock_.now() >= next_try_) {
                co_await try_again();
                if (unusable_ && closing_) {
                    co_return;
                }
                continue;
            }
        } else {
            take_notes();
            if (unusable_) {
                continue;
            }
            if (log_pages_ >= limits_.log_pages * 2
                || (log_pages_ >= limits_.log_pages && queue_.empty())) {
                co_await write_log_back();
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

bool sqlite_store::is_flooded() const {
    return queue_.size() >= 2 * limits_.waiting;
}

void sqlite_store::take_notes() {
    if (notes_.overflowed()) {
        take_failure({store_fault_kind::broken, "more changes than the disk can take"});
        return;
    }
    if (!flush_) {
        return;
    }
    change_group group;
    group.changes = notes_.take(limits_.notes);
    const steady_time now = clock_.now();
    if (now >= next_mark_) {
        group.mark = mark();
        next_mark_ = now + mark_interval;
    }
    if (now >= next_purge_) {
        group.purge_before = line_->to_stored(now - remembered_keys::retention);
        next_purge_ = now + purge_interval;
    }
    flush_ = notes_.has_notes();
    if (!group.changes.empty() || group.mark || group.purge_before) {
        queue_.push_group(std::move(group));
    }
}

void sqlite_store::take_success(const commit_outcome& outcome) {
    ++snapshot_.writes_total;
    snapshot_.last_commit_timestamp =
        std::chrono::duration<double>(clock_.wall_now().time_since_epoch()).count();
    snapshot_.size_bytes = outcome.size_bytes;
    log_pages_ = outcome.log_pages;
    if (outcome.more_to_purge) {
        next_purge_ = clock_.now();
    }
}

void sqlite_store::take_failure(const store_fault& fault) {
    ++snapshot_.write_failures_total;
    fault_ = fault;
    const bool was_anew = anew_;
    anew_ = anew_ || fault.kind != store_fault_kind::unwritable;
    damaged_ = damaged_ || fault.kind == store_fault_kind::damaged;
    write_queue::failure left = queue_.fail();
    for (store_change& change : left.again) {
        notes_.hold(std::move(change));
    }
    not_stored_.insert(not_stored_.end(), left.not_stored.begin(), left.not_stored.end());
    // A store that is to be written anew need not wait, unless that has just failed.
    next_try_ = clock_.now() + (anew_ && !was_anew ? 0s : limits_.retry);
    if (!unusable_) {
        unusable_ = true;
        owner_->on_store_unusable(fault.text);
    }
}

void sqlite_store::tell_not_stored() {
    // All in one turn, and before anybody who waits for them is told: what they find then is what stays.
    if (!not_stored_.empty()) {
        const std::vector<session_id> ids = std::exchange(not_stored_, {});
        owner_->on_not_stored(ids);
    }
}

void sqlite_store::offer_room() {
    if (no_room_ && !unusable_ && queue_.size() < limits_.waiting / 2) {
        no_room_ = owner_->on_store_room();
    }
}

void sqlite_store::tick() {
    flush_ = true;
    tick_->wake_at(clock_.now() + tick_interval);
    wake();
}

void sqlite_store::leave_when_stuck_for(steady_duration patience) {
    patience_ = patience;
    look_at_worker();
}

void sqlite_store::look_at_worker() {
    if (closed_) {
        return;
    }
    const steady_time now = clock_.now();
    const steady_time limit = busy_since_.value_or(now) + patience_;
    if (now < limit) {
        stuck_timer_->wake_at(limit);
        return;
    }
    stuck_ = true;
    tasks_.cancel(asio::cancellation_type::terminal);
}

void sqlite_store::wake() {
    wake_.cancel();
}

remembered_row sqlite_store::row_of(const remembered_entry& entry) const {
    return {entry.key, line_->to_stored(entry.at), entry.kind};
}

time_mark sqlite_store::mark() const {
    return line_->mark(clock_.wall_now(), clock_.now());
}

} // namespace kallglot
