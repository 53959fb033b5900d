#include "store/write_queue.hpp"

#include "store/burst_memory.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <iterator>

namespace kallglot {

namespace {

/// How many failed tickets a lane remembers, for callers that start to wait after the failure.
constexpr std::size_t max_failed_tickets = 1000;

} // namespace

write_lane write_queue::lane_of(const session_id& id, write_lane otherwise) const {
    // Lanes are written independently, so changes of one id must stay in one lane to stay in order.
    const auto found = pending_.find(id);
    return found == pending_.end() ? otherwise : found->second.lane;
}

commit_ticket write_queue::push(const stored_session& row, bool is_new, write_lane lane) {
    // The lane of an earlier change wins over the requested one.
    lane = lane_of(row.id, lane);
    group& into = collecting(lane);
    into.content->changes.emplace_back(put_session{row});
    // In step with the put_session changes: take_rest() relies on the order.
    into.ids.emplace_back(row.id, is_new);
    // The newest ticket of the id: when it is durable, so are the older ones.
    pending_.insert_or_assign(row.id, place{into.ticket, lane});
    ++size_;
    return commit_ticket{into.ticket};
}

commit_ticket write_queue::push_removal(const session_id& id,
                                        const std::optional<remembered_row>& remember) {
    const write_lane lane = lane_of(id, write_lane::single);
    group& into = collecting(lane);
    into.content->changes.emplace_back(remove_session{id});
    ++size_;
    // In the single lane there is no need: a later change of the id is queued behind this group anyway.
    if (lane == write_lane::bulk) {
        // If the id is added again, the row must not be written before this removal.
        into.removed.push_back(id);
        pending_.insert_or_assign(id, place{into.ticket, lane});
    }
    // In the same group: after a crash the id is either tracked or remembered, never neither.
    if (remember) {
        into.content->changes.emplace_back(*remember);
        ++size_;
    }
    return commit_ticket{into.ticket};
}

commit_ticket write_queue::push_key(const remembered_row& key, const session_id& session) {
    // In the lane of the session, and behind its changes.
    group& into = collecting(lane_of(session, write_lane::single));
    into.content->changes.emplace_back(key);
    ++size_;
    return commit_ticket{into.ticket};
}

void write_queue::push_held(store_change change) {
    // No ticket and no entry in pending_: its caller was refused long ago.
    collecting(write_lane::single).content->changes.push_back(std::move(change));
    ++size_;
}

void write_queue::push_group(change_group content) {
    size_ += content.changes.size();
    // A group of its own, since it may carry a mark and a purge.
    *open_group(single_).content = std::move(content);
}

write_queue::group& write_queue::open_group(lane_state& lane) {
    // Content and outcome are shared with the worker and with waiting callers.
    lane.groups.push_back(group{++lane.last_ticket,
                                std::make_shared<change_group>(),
                                {},
                                {},
                                std::make_shared<outcome>(loop_)});
    return lane.groups.back();
}

write_queue::group& write_queue::collecting(write_lane lane) {
    lane_state& state = state_of(lane);
    // Only bulk groups are split: they bound how long the single lane waits for a transaction.
    const bool full = lane == write_lane::bulk && !state.groups.empty()
                      && state.groups.back().content->changes.size() >= bulk_limit_;
    return state.groups.empty() || full ? open_group(state) : state.groups.back();
}

commit_ticket write_queue::pending(const session_id& id) const {
    const auto found = pending_.find(id);
    return found == pending_.end() ? commit_ticket::durable : commit_ticket{found->second.ticket};
}

transaction write_queue::begin() {
    BOOST_ASSERT(in_flight_.empty());
    // The whole single lane, and one group of the bulk lane.
    std::ranges::move(single_.groups, std::back_inserter(in_flight_));
    // A small request waits for at most one bulk group. Otherwise an import would hold up every webhook.
    single_.groups.clear();
    if (!bulk_.groups.empty()) {
        in_flight_.push_back(std::move(bulk_.groups.front()));
        bulk_.groups.pop_front();
    }
    // The groups stay here with their tickets; the worker gets their contents only.
    transaction contents;
    for (const group& one : in_flight_) {
        contents.push_back(one.content);
    }
    return contents;
}

void write_queue::succeed() {
    // In the order of tickets, so that callers resume in the order of their changes.
    for (group& done : in_flight_) {
        settle(done, {});
    }
    in_flight_.clear();
}

write_queue::failure write_queue::fail() {
    failure left;
    // What is queued relies on what was in flight (an event on its session), so all of it fails.
    for (lane_state* const lane : {&single_, &bulk_}) {
        std::ranges::move(lane->groups, std::back_inserter(in_flight_));
        lane->groups.clear();
    }
    for (group& failed : in_flight_) {
        lane_state& lane = failed.ticket > first_bulk_ticket ? bulk_ : single_;
        lane.failed.push_back(failed.ticket);
        // The oldest is dropped. Its ticket still counts as failed: failing twice is safe, a false success is not.
        if (lane.failed.size() > max_failed_tickets) {
            lane.failed_before = lane.failed.front() + 1;
            lane.failed.pop_front();
        }
        take_rest(failed, left);
        settle(failed, errc::store_unavailable);
    }
    in_flight_.clear();
    return left;
}

void write_queue::take_rest(group& failed, failure& left) {
    // In the order of the changes, so that a session that was put and then removed stays removed.
    std::size_t next_id = 0;
    for (store_change& change : failed.content->changes) {
        if (const auto* const put = std::get_if<put_session>(&change)) {
            const auto& [id, is_new] = failed.ids[next_id++];
            // The owner decides about a new id. A known one gets its newest state, unless its row is gone by then.
            if (is_new) {
                left.not_stored.push_back(id);
            } else {
                left.again.emplace_back(update_session{put->row});
            }
            continue;
        }
        const auto* const key = std::get_if<remembered_row>(&change);
        // An event that was not acknowledged is delivered again, and must not be taken for a duplicate.
        if (key == nullptr || key->kind != remembered_kind::event) {
            left.again.push_back(std::move(change));
        }
    }
}

void write_queue::settle(group& done, error_code error) {
    // Only if no newer group has a change of the id.
    const auto forget = [&](const session_id& id) {
        const auto found = pending_.find(id);
        if (found != pending_.end() && found->second.ticket == done.ticket) {
            pending_.erase(found);
        }
    };
    for (const auto& [id, is_new] : done.ids) {
        forget(id);
    }
    std::ranges::for_each(done.removed, forget);
    // After an import of a million ids the table would keep its memory.
    give_back_room(pending_);
    size_ -= done.content->changes.size();
    // Resumes all callers that wait for this group.
    done.end->done = true;
    done.end->error = error;
    // Each waiting caller holds a share of `end`, so the group may go before they resume.
    done.end->wake.cancel();
}

void write_queue::release_callers() {
    const auto release = [](const group& one) {
        ++one.end->releases;
        one.end->wake.cancel();
    };
    std::ranges::for_each(in_flight_, release);
    std::ranges::for_each(single_.groups, release);
    std::ranges::for_each(bulk_.groups, release);
}

std::shared_ptr<write_queue::outcome> write_queue::find(std::uint64_t ticket) const {
    // Few groups are in flight; those of the lanes are sorted by ticket.
    for (const group& one : in_flight_) {
        if (one.ticket == ticket) {
            return one.end;
        }
    }
    for (const lane_state* const lane : {&single_, &bulk_}) {
        const auto found = std::ranges::lower_bound(lane->groups, ticket, {}, &group::ticket);
        if (found != lane->groups.end() && found->ticket == ticket) {
            return found->end;
        }
    }
    return nullptr;
}

bool write_queue::has_failed(std::uint64_t ticket) const {
    // A ticket beyond the last one was never issued: that includes commit_ticket::refused.
    const lane_state& lane = ticket > first_bulk_ticket ? bulk_ : single_;
    return ticket > lane.last_ticket || ticket < lane.failed_before
           || std::ranges::binary_search(lane.failed, ticket);
}

task<error_code> write_queue::committed(commit_ticket ticket) {
    // The caller found nothing pending.
    if (ticket == commit_ticket::durable) {
        co_return error_code{};
    }
    const auto number = static_cast<std::uint64_t>(ticket);
    const std::shared_ptr<outcome> end = find(number);
    // Settled already: only failures are remembered, all other tickets are durable.
    if (!end) {
        const bool failed = has_failed(number);
        co_return failed ? make_error_code(errc::store_unavailable) : error_code{};
    }
    // A release counts for those that wait then, not for those that come later.
    const unsigned releases = end->releases;
    while (!end->done && end->releases == releases) {
        co_await end->wake.async_wait(as_tuple);
        // The timer ends the same way for a result and a cancellation.
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return make_error_code(errc::cancelled);
        }
    }
    co_return end->done ? end->error : make_error_code(errc::store_unavailable);
}

} // namespace kallglot
