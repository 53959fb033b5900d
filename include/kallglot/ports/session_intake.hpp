/// The port through which routes bring in, look at and forget sessions.
///
/// It exists so that the session API and the webhook route know neither table nor store, and so that "durable before
/// it is answered" is decided in one place. Implemented by the runtime; tests have one made of values.

#ifndef KALLGLOT_PORTS_SESSION_INTAKE_HPP
#define KALLGLOT_PORTS_SESSION_INTAKE_HPP

#include "kallglot/api/webhook_event.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// What is known of a tracked session, for people and programs. Times are of this machine's wall clock.
struct session_view {
    explicit session_view(const session_id& which) noexcept : id(which) {}

    session_id id;
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    api_time since{}; ///< later bound of the beginning of the status, or when it was told
    std::optional<api_time> since_low; ///< earlier bound; empty if not known
    std::optional<api_time> created;
    std::optional<api_time> started;
    std::optional<api_time> ended;
    std::optional<api_time> last_poll; ///< when the last good answer was asked for
    bool observed = false;      ///< a poll has seen it in this process or, restored, in one before
    bool unverified = false;    ///< restored, and not polled since
    std::uint32_t failures = 0; ///< polls that failed since the last good answer
    bool not_found = false;     ///< answers 404 at present
    std::optional<failure_reason> last_error; ///< of the newest poll; empty if it was good
};

/// Which sessions to list: oldest in their status first.
struct session_query {
    std::optional<session_status> status;
    steady_duration older_than{}; ///< at least that long in the status
    std::size_t limit = 100;      ///< 1 to 1,000
    std::string after;            ///< a cursor of an earlier page; empty: from the start
};

struct session_page {
    std::vector<session_view> sessions;
    std::string next; ///< a cursor; empty: that was the last page
};

enum class track_outcome : std::uint8_t { added, known };
enum class forget_outcome : std::uint8_t { forgotten, not_tracked };

/// How an event was taken.
enum class event_outcome : std::uint8_t {
    accepted,
    duplicate, ///< its id was seen before
    outdated   ///< older than what is known, or of a session that is remembered as gone
};

/// Loop only.
class session_intake {
public:
    virtual ~session_intake() = default;

    /// Tracks one id from the session API. Ends when the id is durable, also for one that is
    /// known already.
    ///
    /// Errors: session_limit; store_unavailable or memory_short: nothing is promised; cancelled.
    /// Cancel: terminal; the id may stay tracked.
    [[nodiscard]] virtual task<result<track_outcome>> track(session_id id) = 0;

    struct bulk_outcome {
        std::size_t added = 0;
        std::size_t known = 0;
        std::vector<session_id> over_limit; ///< not tracked, the table is full
    };

    /// Tracks many with one wait for the store. Their first polls are routine. Errors, Cancel: as track().
    [[nodiscard]] virtual task<result<bulk_outcome>> track_all(std::vector<session_id> ids) = 0;

    /// Forgets a session. Ends when that is durable.
    ///
    /// Errors: store_unavailable; cancelled.
    [[nodiscard]] virtual task<result<forget_outcome>> forget(session_id id) = 0;

    [[nodiscard]] virtual std::optional<session_view> look_up(const session_id& id) const = 0;

    /// Errors: invalid_session_id for a cursor that is none of ours.
    [[nodiscard]] virtual task<result<session_page>> list(session_query query) = 0;

    /// Takes in an event whose signature was verified. Ends when what it changed is durable.
    ///
    /// Errors: session_limit; store_unavailable or memory_short: nothing was changed, and the sender shall try again;
    ///         cancelled.
    [[nodiscard]] virtual task<result<event_outcome>> take_event(webhook_event event) = 0;

    /// False until all that the store holds is there again: what is asked for may only not be back yet.
    [[nodiscard]] virtual bool restored() const = 0;

    /// Whether an intake could be acknowledged now; false: answer 503 before reading on.
    [[nodiscard]] virtual bool accepting() const = 0;

protected:
    session_intake() = default;
    session_intake(const session_intake&) = default;
    session_intake& operator=(const session_intake&) = default;
};

} // namespace kallglot

#endif
