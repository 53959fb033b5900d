/// How ids come in and go out again: checks, table, store and schedule in one place.
///
/// Every way in (files, session API, webhooks, the store at a restart) ends here, so that the rules of "new",
/// "known", "full", "gone" and "durable" exist once. Nothing is acknowledged before the store has it; what the store
/// could not take leaves the table again, except ids from files, which a restart would read again anyway.

#ifndef KALLGLOT_INTAKE_INTAKE_HPP
#define KALLGLOT_INTAKE_INTAKE_HPP

#include "kallglot/intake/file_watch.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/polling/poller.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/report/session_listing.hpp"
#include "kallglot/tracking/remembered_keys.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. Lifetime: everything it refers to outlives it.
class intake final : public session_intake,
                     public file_watch_listener,
                     public store_owner,
                     public store_reader {
public:
    /// `process` is a random number that names this process in cursors.
    intake(session_registry& registry,
           session_store& store,
           poller& polls,
           daemon_metrics& metrics,
           clock& time,
           logger& log,
           std::uint32_t process);

    // The session API and webhooks.
    [[nodiscard]] task<result<track_outcome>> track(session_id id) override;
    [[nodiscard]] task<result<bulk_outcome>> track_all(std::vector<session_id> ids) override;
    [[nodiscard]] task<result<forget_outcome>> forget(session_id id) override;
    [[nodiscard]] std::optional<session_view> look_up(const session_id& id) const override;
    [[nodiscard]] task<result<session_page>> list(session_query query) override;
    [[nodiscard]] task<result<event_outcome>> take_event(webhook_event event) override;

    [[nodiscard]] bool accepting() const override { return store_.accepting(); }

    [[nodiscard]] bool restored() const override { return restored_; }

    /// on_sessions() and on_remembered() have told all.
    void set_restored() noexcept { restored_ = true; }

    /// While memory is short no session is added. Those that are known go on as ever.
    void hold_off(bool memory_is_short) noexcept { memory_is_short_ = memory_is_short; }

    // Files.
    void on_added(std::span<const session_id> ids, bool first_reading) override;
    bool wants_all_again() override;
    void on_removed(const std::vector<std::uint64_t>& hashes) override;

    [[nodiscard]] bool may_remove() const override { return store_.has_room(); }

    void on_bad_lines(std::uint64_t count) override;

    // The store.
    void on_not_stored(std::span<const session_id> ids) override;
    void on_store_unusable(const std::string& reason) override;
    void on_store_usable() override;
    bool on_store_room() override;
    bool list_sessions(std::uint64_t& cursor,
                       std::size_t limit,
                       std::vector<kept_session>& sessions) override;
    bool list_remembered(std::uint64_t& cursor,
                         std::size_t limit,
                         std::vector<remembered_entry>& entries) override;

    /// What the store held at the start.
    void on_sessions(std::span<const kept_session> sessions) override;
    void on_remembered(std::span<const remembered_entry> entries) override;

private:
    /// What taking in one id came to; no_slot: there is no room (no_room() says what for).
    struct taken {
        session_slot slot = no_slot;
        bool is_new = false;
        commit_ticket ticket = commit_ticket::durable;
    };

    taken take_in(const session_id& id, session_source source, bool bulk);
    /// Changes the session, and leaves in events_under_way_ what to wait for.
    event_outcome apply(const webhook_event& event, const taken& session);

    /// Waits for each of them: a larger ticket may be durable before a smaller one.
    [[nodiscard]] task<error_code> all_committed(std::vector<commit_ticket> tickets);

    [[nodiscard]] moment now() const { return {clock_.now(), clock_.wall_now()}; }

    /// Why an id was not taken in.
    [[nodiscard]] errc no_room() const noexcept {
        return memory_is_short_ ? errc::memory_short : errc::session_limit;
    }

    static constexpr std::uint32_t none_unstored = std::numeric_limits<std::uint32_t>::max();

    /// Tells the store of an id that it could not take before.
    commit_ticket offer(session_slot slot);

    /// Which ways an id came need not be durable at once: a file is read again, and the next change tells it too.
    void note_sources(session_slot slot);

    session_registry& registry_;
    session_store& store_;
    poller& poller_;
    daemon_metrics& metrics_;
    clock& clock_;
    logger& log_;
    std::uint32_t process_;
    remembered_keys remembered_;
    /// Events that were applied and are not acknowledged yet, by their keys.
    boost::unordered_flat_map<std::uint64_t, std::vector<commit_ticket>> events_under_way_;
    /// No record before it is `unstored`: where to go on when the store can take them.
    std::uint32_t next_unstored_ = none_unstored;
    bool told_full_ = false;     ///< the log has it already
    bool refused_lines_ = false; ///< ids of files that are not tracked for want of room
    bool memory_is_short_ = false;
    bool restored_ = false;
};

} // namespace kallglot

#endif
