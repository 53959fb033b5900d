#include "kallglot/store/write_queue.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace kallglot {

namespace {

constexpr std::size_t remembered_failures = 1000;

} // namespace

commit_ticket write_queue::push(const stored_session& row, bool is_new) {
    group& into = collecting();
    into.content->changes.emplace_back(put_session{row});
    into.ids.emplace_back(row.id, is_new);
    pending_.insert_or_assign(row.id, into.ticket);
    ++size_;
    return commit_ticket{into.ticket};
}

commit_ticket write_queue::push(store_change change) {
    group& into = collecting();
    into.content->changes.push_back(std::move(change));
    ++size_;
    return commit_ticket{into.ticket};
}

void write_queue::push_group(change_group content) {
    size_ += content.changes.size();
    groups_.push_back(group{++last_ticket_,
                            std::make_shared<change_group>(std::move(content)),
                            {},
                            std::make_shared<outcome>(loop_)});
}

write_queue::group& write_queue::collecting() {
    if (groups_.empty() || groups_.back().content->changes.size() >= group_limit_) {
        push_group({});
    }
    return groups_.back();
}

commit_ticket write_queue::pending(const session_id& id) const {
    const auto found = pending_.find(id);
    return found == pending_.end() ? commit_ticket::durable : commit_ticket{found->second};
}

std::shared_ptr<const change_group> write_queue::begin() {
    BOOST_ASSERT(!under_way_ && !groups_.empty());
    under_way_.emplace(std::move(groups_.front()));
    groups_.pop_front();
    return under_way_->content;
}

void write_queue::succeed() {
    BOOST_ASSERT(under_way_);
    settle(*under_way_, {});
    under_way_.reset();
}

write_queue::failure write_queue::fail() {
    failure left;
    if (under_way_) {
        groups_.push_front(std::move(*under_way_));
        under_way_.reset();
    }
    if (groups_.empty()) {
        return left;
    }
    failed_.emplace_back(groups_.front().ticket, groups_.back().ticket);
    if (failed_.size() > remembered_failures) {
        failed_before_ = failed_.front().second + 1;
        failed_.pop_front();
    }
    for (group& failed : groups_) {
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
        settle(failed, errc::store_unavailable);
    }
    groups_.clear();
    return left;
}

void write_queue::settle(group& done, error_code error) {
    for (const auto& [id, is_new] : done.ids) {
        const auto found = pending_.find(id);
        if (found != pending_.end() && found->second == done.ticket) {
            pending_.erase(found);
        }
    }
    size_ -= done.content->changes.size();
    done.end->done = true;
    done.end->error = error;
    done.end->wake.cancel();
}

std::shared_ptr<write_queue::outcome> write_queue::find(std::uint64_t ticket) const {
    if (under_way_ && under_way_->ticket == ticket) {
        return under_way_->end;
    }
    if (groups_.empty() || ticket < groups_.front().ticket || ticket > groups_.back().ticket) {
        return nullptr;
    }
    // Tickets in the queue have no gaps.
    return groups_[static_cast<std::size_t>(ticket - groups_.front().ticket)].end;
}

bool write_queue::has_failed(std::uint64_t ticket) const {
    return ticket < failed_before_
           || std::ranges::any_of(
               failed_,
               [ticket](const auto& series) {
                   return series.first <= ticket && ticket <= series.second;
               });
}

task<error_code> write_queue::committed(commit_ticket ticket) {
    if (ticket == commit_ticket::durable) {
        co_return error_code{};
    }
    const auto number = static_cast<std::uint64_t>(ticket);
    const std::shared_ptr<outcome> end = find(number);
    if (!end) {
        const bool failed = number > last_ticket_ || has_failed(number);
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
