/// Port through which the routes track, show and forget sessions.
///
/// So the session API and the webhook route know neither table nor store, and one place makes sure that a change is
/// durable before it is acknowledged. `intake` implements it; tests have one made of values.

#ifndef KALLGLOT_PORTS_SESSION_INTAKE_HPP
#define KALLGLOT_PORTS_SESSION_INTAKE_HPP

#include "kallglot/api/webhook_event.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// The known facts of a tracked session, for people and programs. Times are on this machine's wall clock.
struct session_view {
    explicit session_view(const session_id& which) noexcept : id(which) {}

    session_id id;
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    api_time since{}; ///< later bound of the beginning of the status, or when the id was registered
    std::optional<api_time> since_low; ///< earlier bound; empty if not known
    std::optional<api_time> created;
    std::optional<api_time> started;
    std::optional<api_time> ended;
    std::optional<api_time> last_poll; ///< when the last poll with a good answer was sent
    bool observed = false;             ///< a poll has seen it, in this process or before a restart
    bool unverified = false;           ///< restored, and not polled since then
    std::uint32_t failures = 0;        ///< polls that failed since the last good answer
    bool not_found = false;            ///< the API answers 404 at present
    std::optional<failure_reason> last_error; ///< of the newest poll; empty if it was good
};

/// Which sessions to list: oldest in their status first.
struct session_query {
    std::optional<session_status> status;
    steady_duration older_than{}; ///< at least this long in the status
    std::size_t limit = 100;      ///< 1 to 1,000
    std::string after;            ///< a cursor of an earlier page; empty: from the start
};

struct session_page {
    std::vector<session_view> sessions;
    std::string next; ///< a cursor; empty: that was the last page
};

/// A stuck episode for people and programs. Times are on this machine's wall clock.
struct episode_view {
    explicit episode_view(const session_id& which) noexcept : id(which) {}

    session_id id;
    episode_number number = 0;
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    episode_outcome outcome = episode_outcome::open;
    milliseconds threshold{};
    api_time since{}; ///< later bound of the beginning of the stay
    std::optional<api_time> since_low;
    api_time confirmed{};
    std::optional<api_time> until; ///< later bound of its end; empty while open
    std::optional<api_time> until_low;
};

/// Which episodes to list: the newest first.
struct episode_query {
    std::optional<bool> open;       ///< only open ones, or only those that are over
    std::optional<api_time> since;  ///< only those that were open at that time or later
    std::optional<session_id> of{}; ///< only those of this session
    std::size_t limit = 100;
    std::optional<episode_number> after; ///< only those with a smaller number
};

struct episode_page {
    std::vector<episode_view> episodes;
    std::optional<episode_number>
        next;                  ///< for `after` of the next page; empty: that was the last one
    std::uint64_t dropped = 0; ///< removed because there were too many, since the start
};

/// The characters at the end of an id that find it.
inline constexpr std::size_t id_ending_size = 6;

/// Whether the text is the whole id, or its last characters.
[[nodiscard]] constexpr bool matches_id(std::string_view id, std::string_view text) noexcept {
    return id == text || (text.size() == id_ending_size && id.ends_with(text));
}

enum class track_outcome : std::uint8_t { added, known };
enum class forget_outcome : std::uint8_t { forgotten, not_tracked };

/// The result of an event.
enum class event_outcome : std::uint8_t {
    accepted,
    duplicate, ///< its id was seen before
    outdated   ///< older than what is known, or of a session that is remembered as gone
};

/// Loop only.
class session_intake {
public:
    virtual ~session_intake() = default;

    /// Tracks one id from the session API. Ends when the id is durable, also for a known id.
    ///
    /// Errors: session_limit; store_unavailable or memory_short: the id is not tracked, retry later; cancelled.
    /// Cancel: terminal; the id may stay tracked.
    [[nodiscard]] virtual task<result<track_outcome>> track(session_id id) = 0;

    struct bulk_outcome {
        std::size_t added = 0;
        std::size_t known = 0;
        std::vector<session_id> over_limit; ///< rejected, the table is full
    };

    /// Tracks many ids with one wait for the store. Their first polls are routine. Errors, Cancel: as track().
    [[nodiscard]] virtual task<result<bulk_outcome>> track_all(std::vector<session_id> ids) = 0;

    /// Forgets a session. Ends when that is durable.
    ///
    /// Errors: store_unavailable; cancelled.
    [[nodiscard]] virtual task<result<forget_outcome>> forget(session_id id) = 0;

    [[nodiscard]] virtual std::optional<session_view> look_up(const session_id& id) const = 0;

    /// Errors: invalid_session_id for a cursor of another process or a malformed one.
    [[nodiscard]] virtual task<result<session_page>> list(session_query query) = 0;

    static constexpr std::size_t max_found = 20;

    /// The sessions that the text names, whole or by the end of the id; tracked ones, and those with episodes. At most
    /// `max_found`.
    [[nodiscard]] virtual task<result<std::vector<session_id>>> find(std::string text) = 0;

    [[nodiscard]] virtual episode_page list_episodes(const episode_query& query) const = 0;

    /// Applies an event whose signature was verified. Ends when its changes are durable.
    ///
    /// Errors: session_limit; store_unavailable or memory_short: nothing was changed, and the sender must retry;
    ///         cancelled.
    [[nodiscard]] virtual task<result<event_outcome>> take_event(webhook_event event) = 0;

    /// False until all sessions of the store are restored: a missing session may still be restored.
    [[nodiscard]] virtual bool restored() const = 0;

    /// Whether an id or event could be acknowledged now; false: answer 503 without reading the body.
    [[nodiscard]] virtual bool accepting() const = 0;

protected:
    session_intake() = default;
    session_intake(const session_intake&) = default;
    session_intake& operator=(const session_intake&) = default;
};

} // namespace kallglot

#endif
