/// Where ids are kept across restarts: the port between intake and a store.
///
/// An id that is lost is lost for good, so nothing is acknowledged before it is durable. Writes queue up and are
/// committed in groups; a ticket names the group, and whoever has to acknowledge waits for it. An id that is
/// already known waits for the group that is under way. Nothing personal and nothing secret passes here.

#ifndef KALLGLOT_PORTS_SESSION_STORE_HPP
#define KALLGLOT_PORTS_SESSION_STORE_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/core/error.hpp"
#include "kallglot/core/session_id.hpp"
#include "kallglot/core/session_record.hpp"

#include <cstdint>

namespace kallglot {

/// Names one group commit; later groups have larger numbers.
enum class commit_ticket : std::uint64_t {};

/// Loop only; what blocks runs on the store's own worker.
class session_store {
public:
    virtual ~session_store() = default;

    /// The id is tracked from now on. The ticket is of the group that makes it durable, also for an id that
    /// is known already but whose first commit is still under way.
    virtual commit_ticket add(const session_id& id, session_source source) = 0;

    /// The id is no longer tracked.
    virtual commit_ticket forget(const session_id& id) = 0;

    /// Ends when the group is durable.
    ///
    /// Errors: store_unavailable: the group could not be written, and its ids are not in the store.
    /// Cancel: none; store operations are not cancelled, shutdown waits for them.
    [[nodiscard]] virtual task<error_code> committed(commit_ticket ticket) = 0;

protected:
    session_store() = default;
    session_store(const session_store&) = default;
    session_store& operator=(const session_store&) = default;
};

} // namespace kallglot

#endif
