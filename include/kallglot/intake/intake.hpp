/// Intake of session ids from session files, the session API, webhooks, and the store at a restart.
///
/// The intake decides for every source whether an id is admitted and when it is acknowledged; the ledger decides what a
/// change does to a session. The intake acknowledges nothing before the store has committed it. If the store rejects an
/// id, the session is dropped from the table. Ids from files stay, because a restart would read them again.

#ifndef KALLGLOT_INTAKE_INTAKE_HPP
#define KALLGLOT_INTAKE_INTAKE_HPP

#include "intake/recent_events.hpp"
#include "kallglot/intake/file_watch.hpp"
#include "kallglot/polling/session_changes.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/metrics_sink.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/report/session_listing.hpp"
#include "kallglot/tracking/server_clock.hpp"
#include "kallglot/tracking/session_ledger.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only. More than 15 members: half of them are the parts that it connects.
///
/// Lifetime: everything it refers to outlives it.
class intake final : public session_intake,
                     public file_watch_listener,
                     public store_owner,
                     public store_reader {
public:
    /// `process` is a random number that names this process in cursors.
    intake(session_ledger& ledger,
           const poll_schedule& schedule,
           session_changes& changes,
           session_store& store,
           const server_clock& api_clock,
           metrics_sink& metrics,
           clock& time,
           logger& log,
           std::uint32_t process);

    // The session API and webhooks.
    [[nodiscard]] task<result<track_outcome>> track(session_id id) override;
    [[nodiscard]] task<result<bulk_outcome>> track_all(std::vector<session_id> ids) override;
    [[nodiscard]] task<result<forget_outcome>> forget(session_id id) override;
    [[nodiscard]] std::optional<session_view> look_up(const session_id& id) const override;
    [[nodiscard]] task<result<session_page>> list(session_query query) override;
    [[nodiscard]] task<result<std::vector<session_id>>> find(std::string text) override;
    [[nodiscard]] episode_page list_episodes(const episode_query& query) const override;
    [[nodiscard]] task<result<event_outcome>> take_event(webhook_event event) override;

    [[nodiscard]] bool accepting() const override { return store_.accepting(); }

    [[nodiscard]] bool restored() const override { return restored_; }

    /// The store has delivered all sessions and keys through on_sessions() and on_remembered().
    void set_restored() noexcept { restored_ = true; }

    /// While memory is short the intake rejects new sessions. Tracked ones are not affected.
    void hold_off(bool memory_is_short) noexcept { memory_is_short_ = memory_is_short; }

    // Files.
    void on_added(std::span<const session_id> ids) override;
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
    bool list_episodes(std::uint64_t& cursor,
                       std::size_t limit,
                       std::vector<stuck_episode>& episodes) override;

    /// Restore what the store held at the start.
    void on_secret(const hash_key& secret) override;
    void on_sessions(std::span<const kept_session> sessions) override;
    void on_remembered(std::span<const remembered_entry> entries) override;
    void on_episodes(std::span<const stuck_episode> episodes) override;

private:
    /// The outcome of registering one id; no_slot: rejected, for the reason that no_room() returns.
    struct registration {
        session_slot slot = no_slot;
        bool is_new = false;
        commit_ticket ticket = commit_ticket::durable;
    };

    registration register_id(const session_id& id, session_source source, bool bulk);

    /// Changes the session, and puts the tickets to wait for into events_in_progress_.
    event_outcome apply(const webhook_event& event,
                        const remembered_key& key,
                        const registration& session);

    /// Offers a session to the store again that the store rejected before.
    commit_ticket offer(session_slot slot);

    /// Waits for each ticket: a larger one may be durable before a smaller one.
    [[nodiscard]] task<error_code> all_committed(std::vector<commit_ticket> tickets);

    [[nodiscard]] moment now() const { return {clock_.now(), clock_.wall_now()}; }

    /// Why an id was not registered.
    [[nodiscard]] errc no_room() const noexcept {
        return memory_is_short_ ? errc::memory_short : errc::session_limit;
    }

    static constexpr std::uint32_t none_unstored = std::numeric_limits<std::uint32_t>::max();

    session_ledger& ledger_;
    const poll_schedule& schedule_;
    session_changes& changes_;
    session_store& store_;
    const server_clock& api_clock_;
    metrics_sink& metrics_;
    clock& clock_;
    logger& log_;
    std::uint32_t process_;
    /// Events that are applied and not acknowledged yet, by key.
    boost::unordered_flat_map<remembered_key, std::vector<commit_ticket>, remembered_key_hash>
        events_in_progress_;
    recent_events other_events_; ///< that change no session
    /// No record before this slot is `unstored`: on_store_room() continues here.
    std::uint32_t next_unstored_ = none_unstored;
    bool logged_full_ = false;    ///< the limit is logged
    bool rejected_lines_ = false; ///< ids from files were rejected for lack of room
    bool memory_is_short_ = false;
    bool restored_ = false;
};

} // namespace kallglot

#endif
