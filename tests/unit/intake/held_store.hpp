/// A store whose disk is a map and whose commits happen when the test says so: they succeed, fail, or never end.
///
/// Like the real store it has two lanes: bulk ids are committed apart from the rest. So a caller must wait for each of
/// its tickets.

#ifndef KALLGLOT_TESTS_UNIT_INTAKE_HELD_STORE_HPP
#define KALLGLOT_TESTS_UNIT_INTAKE_HELD_STORE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/ports/session_store.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kallglot::test {

class held_store final : public session_store {
public:
    explicit held_store(loop_executor loop) : loop_(std::move(loop)) {}

    void set_owner(store_owner& owner) noexcept { owner_ = &owner; }

    /// Every change is durable at once.
    void commit_at_once() noexcept { at_once_ = true; }

    /// What waits becomes durable: of both lanes, or of one alone.
    void commit() {
        commit(single_);
        commit(bulk_);
    }

    void commit_single() { commit(single_); }

    void commit_bulk() { commit(bulk_); }

    /// The disk refuses what waits, and everything until recover().
    void fail() {
        usable_ = false;
        std::vector<session_id> lost = std::exchange(refused_, {});
        for (lane* const each : {&single_, &bulk_}) {
            for (const entry& one : each->changes) {
                if (const auto* const put = std::get_if<put_entry>(&one); put && put->is_new) {
                    lost.push_back(put->id);
                }
            }
            settle(*each, errc::store_unavailable);
        }
        owner_->on_not_stored(lost);
        owner_->on_store_unusable("no space left on device");
    }

    void recover() {
        usable_ = true;
        owner_->on_store_usable();
        tell_of_room();
    }

    /// Reports the ids that were rejected because of the backlog, and then that there is room again.
    void tell_of_room() {
        owner_->on_not_stored(std::exchange(refused_, {}));
        commit();
        for (bool more = true; more && refused_.empty();) {
            more = owner_->on_store_room();
        }
    }

    /// How many changes may wait.
    std::size_t room = std::numeric_limits<std::size_t>::max();

    /// Changes without a wait.
    std::size_t notes = 0;

    /// What the disk holds.
    std::map<std::string, session_record> sessions;
    std::set<remembered_key> keys;
    std::map<episode_number, stuck_episode> episodes;

    [[nodiscard]] bool holds(const std::string& id) const { return sessions.contains(id); }

    [[nodiscard]] std::size_t waiting() const noexcept {
        return single_.changes.size() + bulk_.changes.size();
    }

    [[nodiscard]] bool accepting() const override { return usable_ && waiting() < room; }

    [[nodiscard]] bool has_room() const override { return !usable_ || waiting() < room / 4; }

    commit_ticket add(const session_id& id, const session_record& record) override {
        if (!accepting()) {
            refused_.push_back(id);
            return commit_ticket::refused;
        }
        return put(id, record, true);
    }

    commit_ticket change(const session_id& id, const session_record& record) override {
        return accepting() ? put(id, record, false) : commit_ticket::refused;
    }

    void note(const session_id& id, const session_record& record) override {
        ++notes;
        if (const auto found = sessions.find(std::string(id.view())); found != sessions.end()) {
            found->second = record;
        }
    }

    commit_ticket forget(const session_id& id, std::optional<remembered_kind> remember) override {
        lane& into = lane_behind(id);
        const commit_ticket ticket = push(into, gone{id});
        if (remember) {
            push(into, key_of_session({}, id.view()));
        }
        return ticket;
    }

    commit_ticket remember_event(const remembered_key& key, const session_id& session) override {
        return usable_ ? push(lane_behind(session), key) : commit_ticket::refused;
    }

    void note_episode(const stuck_episode& episode) override {
        episodes.insert_or_assign(episode.number, episode);
    }

    void forget_episode(episode_number number) override { episodes.erase(number); }

    [[nodiscard]] commit_ticket pending(const session_id& id) const override {
        const auto found = pending_.find(std::string(id.view()));
        return found == pending_.end() ? commit_ticket::durable : found->second;
    }

    [[nodiscard]] task<error_code> committed(commit_ticket ticket) override {
        if (ticket == commit_ticket::durable) {
            co_return error_code();
        }
        if (ticket == commit_ticket::refused) {
            co_return errc::store_unavailable;
        }
        const auto found = groups_.find(ticket);
        if (found == groups_.end()) {
            co_return failed_.contains(ticket) ? make_error_code(errc::store_unavailable)
                                               : error_code();
        }
        const std::shared_ptr<group> waited_for = found->second;
        while (!waited_for->done) {
            co_await waited_for->wake.async_wait(as_tuple);
        }
        co_return waited_for->error;
    }

private:
    struct put_entry {
        session_id id;
        session_record record;
        bool is_new;
    };

    struct gone {
        session_id id;
    };

    using entry = std::variant<put_entry, gone, remembered_key>;

    /// A caller that waits for one commit.
    struct group {
        explicit group(const loop_executor& loop) : wake(loop, steady_timer::time_point::max()) {}

        steady_timer wake;
        error_code error;
        bool done = false;
    };

    struct lane {
        std::uint64_t ticket;
        std::vector<entry> changes;
    };

    [[nodiscard]] lane& lane_of(commit_ticket ticket) noexcept {
        return static_cast<std::uint64_t>(ticket) > first_bulk_ticket ? bulk_ : single_;
    }

    [[nodiscard]] lane& lane_behind(const session_id& id) {
        const auto found = pending_.find(std::string(id.view()));
        return found == pending_.end() ? single_ : lane_of(found->second);
    }

    commit_ticket put(const session_id& id, const session_record& record, bool is_new) {
        // One that is under way stays in its lane.
        const std::string text(id.view());
        const auto found = pending_.find(text);
        lane& into = found != pending_.end() ? lane_of(found->second)
                     : is_new && record.bulk ? bulk_
                                             : single_;
        const commit_ticket ticket = push(into, put_entry{id, record, is_new});
        if (!at_once_) {
            pending_.insert_or_assign(text, ticket);
        }
        return ticket;
    }

    commit_ticket push(lane& into, entry what) {
        if (at_once_) {
            apply(what);
            return commit_ticket::durable;
        }
        const commit_ticket ticket{into.ticket};
        groups_.try_emplace(ticket, std::make_shared<group>(loop_));
        into.changes.push_back(std::move(what));
        return ticket;
    }

    void apply(const entry& what) {
        if (const auto* const put = std::get_if<put_entry>(&what)) {
            sessions.insert_or_assign(std::string(put->id.view()), put->record);
            keys.erase(key_of_session({}, put->id.view()));
        } else if (const auto* const removed = std::get_if<gone>(&what)) {
            sessions.erase(std::string(removed->id.view()));
        } else {
            keys.insert(std::get<remembered_key>(what));
        }
    }

    void commit(lane& which) {
        for (const entry& each : which.changes) {
            apply(each);
        }
        settle(which, {});
    }

    void settle(lane& which, error_code error) {
        const commit_ticket ticket{which.ticket++};
        which.changes.clear();
        std::erase_if(pending_, [&](const auto& each) { return each.second == ticket; });
        if (error) {
            failed_.insert(ticket);
        }
        if (const auto found = groups_.find(ticket); found != groups_.end()) {
            found->second->done = true;
            found->second->error = error;
            found->second->wake.cancel();
            groups_.erase(found);
        }
    }

    static constexpr std::uint64_t first_bulk_ticket = 1ULL << 60;

    loop_executor loop_;
    store_owner* owner_ = nullptr;
    lane single_{1, {}};
    lane bulk_{first_bulk_ticket + 1, {}};
    std::map<commit_ticket, std::shared_ptr<group>> groups_;
    std::set<commit_ticket> failed_;
    std::map<std::string, commit_ticket> pending_;
    std::vector<session_id> refused_;
    bool usable_ = true;
    bool at_once_ = false;
};

} // namespace kallglot::test

#endif
