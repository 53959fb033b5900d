/// Queue of changes for group commits: their tickets, and the callers that wait for them.
///
/// Two lanes: bulk for imports of many ids, and single for everything else. A transaction takes all groups of the single
/// lane and one of the bulk lane. So an event does not wait for a million lines of a file, and the import does not starve.
/// Bulk tickets are the larger ones, so that the largest ticket of a loop iteration covers all changes pushed in it. If a
/// transaction fails, all queued groups fail with it. The queue knows nothing of disks, times or retries.
///
///     const commit_ticket ticket = queue.push(row, true, write_lane::single);
///     transaction contents = queue.begin();   // the writer: commit the contents, then
///     queue.succeed();                        // or fail()
///     const error_code error = co_await queue.committed(ticket); // the caller

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

/// The groups of one transaction.
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

    /// A session that a caller waits for. `is_new`: fail() lists its id. If the id is queued already, the row goes into
    /// the same lane, so that the newest state is written last.
    commit_ticket push(const stored_session& row, bool is_new, write_lane lane);

    /// Queued behind the changes of this id.
    commit_ticket push_removal(const session_id& id, const std::optional<remembered_row>& remember);

    /// The key is never durable before the queued changes of its session.
    commit_ticket push_key(const remembered_row& key, const session_id& session);

    /// A change that was held since a failure.
    void push_held(store_change change);

    /// A group that no caller waits for. After a failure its changes may be retried in a later group.
    void push_group(change_group content);

    [[nodiscard]] bool empty() const noexcept {
        return single_.groups.empty() && bulk_.groups.empty();
    }

    /// Changes that are not durable yet, those in flight included.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] commit_ticket pending(const session_id& id) const;

    /// Starts the next transaction and returns its groups. They are shared, since the worker reads them. The transaction
    /// is in flight until succeed() or fail().
    [[nodiscard]] transaction begin();

    /// The transaction in flight is durable.
    void succeed();

    /// What remains of failed groups.
    struct failure {
        std::vector<session_id> not_stored; ///< new ids, which were never acknowledged
        std::vector<store_change> again;    ///< changes that are still true: to be retried later
    };

    /// The transaction in flight and all queued groups have failed.
    [[nodiscard]] failure fail();

    /// All callers that wait get store_unavailable. The groups stay queued, and may still become durable.
    void release_callers();

    [[nodiscard]] task<error_code> committed(commit_ticket ticket);

private:
    // Shared by the waiting coroutines and the group, since either may end first.
    struct outcome {
        explicit outcome(const loop_executor& loop) : wake(loop, steady_timer::time_point::max()) {}

        steady_timer wake;
        error_code error;
        bool done = false;
        unsigned releases = 0; ///< of release_callers()
    };

    struct group {
        std::uint64_t ticket;
        std::shared_ptr<change_group> content;
        std::vector<std::pair<session_id, bool>> ids; ///< of put_session, in order; true: new
        std::vector<session_id> removed;              ///< removed behind an import of the same ids
        std::shared_ptr<outcome> end;
    };

    /// Where the newest change of an id is queued.
    struct place {
        std::uint64_t ticket;
        write_lane lane;
    };

    struct lane_state {
        std::deque<group> groups;         ///< by ticket
        std::deque<std::uint64_t> failed; ///< tickets, newest last
        std::uint64_t failed_before = 0;  ///< results of older tickets are not known: failed
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
    std::vector<group> in_flight_;
    boost::unordered_flat_map<session_id, place, session_id_hash> pending_;
    std::size_t size_ = 0;
};

} // namespace kallglot

#endif
