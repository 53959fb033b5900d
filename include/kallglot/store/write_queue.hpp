/// Changes that wait for their group commit, the tickets of the groups, and who waits for them.
///
/// Groups are committed in order, one at a time; when one fails, all that wait behind it fail with it, so that the last
/// ticket of a caller stands for its earlier ones. Knows nothing of disks, times or retries.

#ifndef KALLGLOT_STORE_WRITE_QUEUE_HPP
#define KALLGLOT_STORE_WRITE_QUEUE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/store/store_engine.hpp"

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

/// Loop only.
class write_queue {
public:
    write_queue(loop_executor loop, std::size_t group_limit)
        : loop_(std::move(loop)),
          group_limit_(group_limit) {}

    /// A session that somebody waits for; `is_new`: to be told if it could not be stored.
    commit_ticket push(const stored_session& row, bool is_new);
    commit_ticket push(store_change change);

    /// Nobody waits for it, and it may be tried again in a later group.
    void push_group(change_group content);

    [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }

    /// Changes that are not durable yet, those of the group under way with them.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] commit_ticket pending(const session_id& id) const;

    /// The oldest group becomes the one under way. Shared, since the worker reads it.
    [[nodiscard]] std::shared_ptr<const change_group> begin();

    /// The group under way is durable.
    void succeed();

    /// What is left of failed groups.
    struct failure {
        std::vector<session_id> not_stored;
        std::vector<store_change>
            again; ///< what is still true and nobody was told otherwise: to be written later
    };

    /// The group under way and all behind it have failed.
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
        std::shared_ptr<outcome> end;
    };

    group& collecting();
    void settle(group& done, error_code error);
    [[nodiscard]] std::shared_ptr<outcome> find(std::uint64_t ticket) const;
    [[nodiscard]] bool has_failed(std::uint64_t ticket) const;

    loop_executor loop_;
    std::size_t group_limit_;
    std::deque<group> groups_;
    std::optional<group> under_way_;
    boost::unordered_flat_map<session_id, std::uint64_t, session_id_hash> pending_;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> failed_; ///< first and last of each series
    std::uint64_t failed_before_ = 0; ///< what is older is not known any more, and taken for failed
    std::uint64_t last_ticket_ = 0;
    std::size_t size_ = 0;
};

} // namespace kallglot

#endif
