#include "store/write_queue.hpp"

#include "store/burst_memory.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <iterator>

namespace kallglot {

namespace {

constexpr std::size_t remembered_failures = 1000;

} // namespace

write_lane write_queue::lane_of(const session_id& id, write_lane otherwise) const {
    const auto found = pending_.find(id);
    return found == pending_.end() ? otherwise : found->second.lane;
}

commit_ticket write_queue::push(const stored_session& row, bool is_new, write_lane lane) {
    lane = lane_of(row.id, lane);
    group& into = collecting(lane);
    into.content->changes.emplace_back(put_session{row});
    into.ids.emplace_back(row.id, is_new);
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
    if (lane == write_lane::bulk) {
        // Whoever adds it again must not overtake this.
        into.removed.push_back(id);
        pending_.insert_or_assign(id, place{into.ticket, lane});
    }
    if (remember) {
        into.content->changes.emplace_back(*remember);
        ++size_;
    }
    return commit_ticket{into.ticket};
}

commit_ticket write_queue::push_key(const remembered_row& key, const session_id& session) {
    group& into = collecting(lane_of(session, write_lane::single));
    into.content->changes.emplace_back(key);
    ++size_;
    return commit_ticket{into.ticket};
}

void write_queue::push_held(store_change change) {
    collecting(write_lane::single).content->changes.push_back(std::move(change));
    ++size_;
}

void write_queue::push_group(change_group content) {
    size_ += content.changes.size();
    *open_group(single_).content = std::move(content);
}

write_queue::group& write_queue::open_group(lane_state& lane) {
    lane.groups.push_back(group{++lane.last_ticket,
                                std::make_shared<change_group>(),
                                {},
                                {},
                                std::make_shared<outcome>(loop_)});
    return lane.groups.back();
}

write_queue::group& write_queue::collecting(write_lane lane) {
    lane_state& state = state_of(lane);
    const bool full = lane == write_lane::bulk && !state.groups.empty()
                      && state.groups.back().content->changes.size() >= bulk_limit_;
    return state.groups.empty() || full ? open_group(state) : state.groups.back();
}

commit_ticket write_queue::pending(const session_id& id) const {
    const auto found = pending_.find(id);
    return found == pending_.end() ? commit_ticket::durable : commit_ticket{found->second.ticket};
}

transaction write_queue::begin() {
    BOOST_ASSERT(under_way_.empty());
    std::ranges::move(single_.groups, std::back_inserter(under_way_));
    single_.groups.clear();
    if (!bulk_.groups.empty()) {
        under_way_.push_back(std::move(bulk_.groups.front()));
        bulk_.groups.pop_front();
    }
    transaction contents;
    for (const group& one : under_way_) {
        contents.push_back(one.content);
    }
    return contents;
}

void write_queue::succeed() {
    for (group& done : under_way_) {
        settle(done, {});
    }
    under_way_.clear();
}

write_queue::failure write_queue::fail() {
    failure left;
    for (lane_state* const lane : {&single_, &bulk_}) {
        std::ranges::move(lane->groups, std::back_inserter(under_way_));
        lane->groups.clear();
    }
    for (group& failed : under_way_) {
        lane_state& lane = failed.ticket > first_bulk_ticket ? bulk_ : single_;
        lane.failed.push_back(failed.ticket);
        if (lane.failed.size() > remembered_failures) {
            lane.failed_before = lane.failed.front() + 1;
            lane.failed.pop_front();
        }
        take_rest(failed, left);
        settle(failed, errc::store_unavailable);
    }
    under_way_.clear();
    return left;
}

void write_queue::take_rest(group& failed, failure& left) {
    // In the order of the changes: a session that was put and then removed stays removed.
    std::size_t next_id = 0;
    for (store_change& change : failed.content->changes) {
        if (const auto* const put = std::get_if<put_session>(&change)) {
            const auto& [id, is_new] = failed.ids[next_id++];
            if (is_new) {
                left.not_stored.push_back(id);
            } else {
                left.again.emplace_back(update_session{put->row});
            }
            continue;
        }
        const auto* const key = std::get_if<remembered_row>(&change);
        // An event that was not acknowledged comes again, and must not be taken for applied.
        if (key == nullptr || key->kind != remembered_kind::event) {
            left.again.push_back(std::move(change));
        }
    }
}

void write_queue::settle(group& done, error_code error) {
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
    give_back_room(pending_);
    size_ -= done.content->changes.size();
    done.end->done = true;
    done.end->error = error;
    done.end->wake.cancel();
}

std::shared_ptr<write_queue::outcome> write_queue::find(std::uint64_t ticket) const {
    for (const group& one : under_way_) {
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
    const lane_state& lane = ticket > first_bulk_ticket ? bulk_ : single_;
    return ticket > lane.last_ticket || ticket < lane.failed_before
           || std::ranges::binary_search(lane.failed, ticket);
}

task<error_code> write_queue::committed(commit_ticket ticket) {
    if (ticket == commit_ticket::durable) {
        co_return error_code{};
    }
    const auto number = static_cast<std::uint64_t>(ticket);
    const std::shared_ptr<outcome> end = find(number);
    if (!end) {
        const bool failed = has_failed(number);
        co_return failed ? make_error_code(errc::store_unavailable) : error_code{};
    }
    while (!end->done) {
        co_await end->wake.async_wait(as_tuple);
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return make_error_code(errc::cancelled);
        }
    }
    co_return end->error;
}

} // namespace kallglot
