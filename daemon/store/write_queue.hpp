/// Changes that wait for their group commit, the tickets of the groups, and who waits for them.
///
/// Two lanes: imports of many ids, which can be long, and everything else. A transaction takes all of the latter and one
/// group of the former, so that an event does not wait for a million lines of a file, and these do not starve. Bulk
/// tickets are the larger ones, so that the largest ticket of a turn of the loop stands for all that was pushed in it;
/// when a transaction fails, all that wait fail with it. Knows nothing of disks, times or retries.

#ifndef KALLGLOT_STORE_WRITE_QUEUE_HPP
#define KALLGLOT_STORE_WRITE_QUEUE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/ports/store_engine.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kallglot {

/// Hash of the checked text, for tables by id.
struct session_id_hash {
    using is_avalanching = void;

    std::size_t operator()(const session_id& id) const noexcept { return hash_of(id.view()); }
};

enum class write_lane : std::uint8_t { single, bulk };

/// Groups that are one transaction.
using transaction = std::vector<std::shared_ptr<const change_group>>;

/// Loop only.
class write_queue {
public:
    /// `bulk_limit`: changes in one group of the bulk lane.
    write_queue(loop_executor loop, std::size_t bulk_limit)
        : loop_(std::move(loop)),
          bulk_limit_(bulk_limit) {
        bulk_.last_ticket = first_bulk_ticket;
    }

    /// A session that somebody waits for; `is_new`: to be told if it could not be stored. One that is under way
    /// already stays in its lane, so that the newest state is written last.
    commit_ticket push(const stored_session& row, bool is_new, write_lane lane);

    /// Behind whatever is under way for the id.
    commit_ticket push_removal(const session_id& id, const std::optional<remembered_row>& remember);

    /// Never durable before what is under way for the session that it stands for.
    commit_ticket push_key(const remembered_row& key, const session_id& session);

    /// What a failure had left.
    void push_held(store_change change);

    /// Nobody waits for it, and it may be tried again in a later group.
    void push_group(change_group content);

    [[nodiscard]] bool empty() const noexcept {
        return single_.groups.empty() && bulk_.groups.empty();
    }

    /// Changes that are not durable yet, those under way with them.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] commit_ticket pending(const session_id& id) const;

    /// What is next becomes the transaction under way. Shared, since the worker reads them.
    [[nodiscard]] transaction begin();

    /// The transaction under way is durable.
    void succeed();

    /// What is left of failed groups.
    struct failure {
        std::vector<session_id> not_stored;
        std::vector<store_change>
            again; ///< what is still true and nobody was told otherwise: to be written later
    };

    /// The transaction under way and all that waits have failed.
    [[nodiscard]] failure fail();

    [[nodiscard]] task<error_code> committed(commit_ticket ticket);

private:
    // Shared by the waiting coroutines and the group, since either may go first.
    struct outcome {
        explicit outcome(const loop_executor& loop) : wake(loop, steady_timer::time_point::max()) {}

        steady_timer wake;
        error_code error;
        bool done = false;
    };

    struct group {
        std::uint64_t ticket;
        std::shared_ptr<change_group> content;
        std::vector<std::pair<session_id, bool>> ids; ///< waited for; whether new
        std::vector<session_id> removed;              ///< behind an import that has them
        std::shared_ptr<outcome> end;
    };

    struct place {
        std::uint64_t ticket;
        write_lane lane;
    };

    struct lane_state {
        std::deque<group> groups;         ///< by ticket
        std::deque<std::uint64_t> failed; ///< tickets, newest last
        std::uint64_t failed_before =
            0; ///< what is older is not known any more, and taken for failed
        std::uint64_t last_ticket = 0;
    };

    static constexpr std::uint64_t first_bulk_ticket = 1ULL << 60;

    [[nodiscard]] lane_state& state_of(write_lane lane) noexcept {
        return lane == write_lane::bulk ? bulk_ : single_;
    }

    group& open_group(lane_state& lane);
    group& collecting(write_lane lane);
    [[nodiscard]] write_lane lane_of(const session_id& id, write_lane otherwise) const;
    void settle(group& done, error_code error);
    static void take_rest(group& failed, failure& left);
    [[nodiscard]] std::shared_ptr<outcome> find(std::uint64_t ticket) const;
    [[nodiscard]] bool has_failed(std::uint64_t ticket) const;

    loop_executor loop_;
    std::size_t bulk_limit_;
    lane_state single_;
    lane_state bulk_;
    std::vector<group> under_way_;
    boost::unordered_flat_map<session_id, place, session_id_hash> pending_;
    std::size_t size_ = 0;
};

} // namespace kallglot

#endif
