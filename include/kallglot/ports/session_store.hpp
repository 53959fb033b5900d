/// Where sessions are kept across restarts: the port between intake, poller and a store.
///
/// An id that is lost is lost for good, so nothing is acknowledged before it is durable. Writes queue up and are
/// committed in groups; a ticket names the group, and whoever has to acknowledge waits for it. Changes of status are
/// written within a second or so and nobody waits for them. Nothing personal and nothing secret passes here.

#ifndef KALLGLOT_PORTS_SESSION_STORE_HPP
#define KALLGLOT_PORTS_SESSION_STORE_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kallglot {

/// Names one group commit. Of several that somebody waits for, the largest stands for all that were given in the same
/// turn of the loop.
enum class commit_ticket : std::uint64_t {
    durable = 0,          ///< nothing to wait for
    refused = ~0ULL >> 1, ///< cannot be written now
};

/// A session with its id; the record's times are those of this process.
struct kept_session {
    session_id id;
    session_record record;
};

/// Who keeps the sessions in memory, as the store sees it. Calls come on the loop, never from within a call of
/// the store.
class store_owner {
public:
    virtual ~store_owner() = default;

    /// These ids were told to add(), and are not in the store: nobody was promised anything, and they may leave the
    /// table again. Those that stay (from files, which are there after a restart as well) are told to add() again
    /// in on_store_room().
    virtual void on_not_stored(std::span<const session_id> ids) = 0;

    /// The store cannot be written; it tries again by itself. Told once, with a reason for the log.
    virtual void on_store_unusable(const std::string& reason) = 0;
    virtual void on_store_usable() = 0;

    /// Ids were refused, because the store could not be written or too much waited for the disk; now there is room for some.
    /// True: there are more to tell, and it is to be called once more after the next commit.
    virtual bool on_store_room() { return false; }

    /// Everything that has to be in a store that is written anew: fills `sessions` with up to `limit` tracked
    /// sessions from `cursor` (0 at first) on, each once, and moves the cursor. False: that was the end.
    ///
    /// Sessions may leave between two calls, and change if note() or change() is told; none is added to the store.
    virtual bool list_sessions(std::uint64_t& cursor,
                               std::size_t limit,
                               std::vector<kept_session>& sessions) = 0;
    virtual bool list_remembered(std::uint64_t& cursor,
                                 std::size_t limit,
                                 std::vector<remembered_entry>& entries) = 0;

protected:
    store_owner() = default;
    store_owner(const store_owner&) = default;
    store_owner& operator=(const store_owner&) = default;
};

/// Loop only; what blocks runs on the store's own worker.
class session_store {
public:
    virtual ~session_store() = default;

    /// False while the store cannot be written, or too much waits for the disk already: intake answers 503. What
    /// is told nevertheless is refused: the ticket fails, and ids go to on_not_stored.
    [[nodiscard]] virtual bool accepting() const = 0;

    /// False while so much waits for the disk that what can wait shall. True while the store cannot be written: waiting
    /// would not help.
    [[nodiscard]] virtual bool has_room() const = 0;

    /// The id is tracked from now on; one that came with many others (record.bulk) does not make others wait. The ticket is of the group that makes it durable.
    virtual commit_ticket add(const session_id& id, const session_record& record) = 0;

    /// A session that add() was told of before has changed, and somebody waits until that is durable: another
    /// source, or a status that a webhook told.
    virtual commit_ticket change(const session_id& id, const session_record& record) = 0;

    /// Likewise, but nobody waits: it is written with others within a second or so. Of several only the last is.
    virtual void note(const session_id& id, const session_record& record) = 0;

    /// The id is no longer tracked; with a kind it is remembered for 72 hours as ended or not found.
    virtual commit_ticket forget(const session_id& id, std::optional<remembered_kind> remember) = 0;

    /// The key of an event is remembered for 72 hours. To be told after what the event changed in its session, and
    /// never durable before that: or the event would be taken for a duplicate by who knows nothing of the session.
    virtual commit_ticket remember_event(std::uint64_t key, const session_id& session) = 0;

    /// What to wait for before an id that is known already is acknowledged: the group with its newest add() or
    /// change(), while that is under way.
    [[nodiscard]] virtual commit_ticket pending(const session_id& id) const = 0;

    /// Ends when the group is durable. To be called in the turn of the loop in which the ticket was given, or soon
    /// after.
    ///
    /// Errors: store_unavailable: the group could not be written, and its ids are not in the store; cancelled.
    /// Cancel: terminal, at once; the write goes on.
    [[nodiscard]] virtual task<error_code> committed(commit_ticket ticket) = 0;

protected:
    session_store() = default;
    session_store(const session_store&) = default;
    session_store& operator=(const session_store&) = default;
};

/// Takes what a store held when it was opened.
class store_reader {
public:
    virtual ~store_reader() = default;

    /// Sessions as a restart finds them: unverified, their polls routine.
    virtual void on_sessions(std::span<const kept_session> sessions) = 0;

    /// By time.
    virtual void on_remembered(std::span<const remembered_entry> entries) = 0;

protected:
    store_reader() = default;
    store_reader(const store_reader&) = default;
    store_reader& operator=(const store_reader&) = default;
};

} // namespace kallglot

#endif
