/// Statuses, modes, providers and end reasons of a session, and the rules of each status.
///
/// The API's lists are open, these are closed. A word of the API that is not listed here becomes `unknown` or `other`,
/// so that a new word adds no metric series and breaks no poll.

#ifndef KALLGLOT_TRACKING_SESSION_HPP
#define KALLGLOT_TRACKING_SESSION_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/settings/poll_settings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

enum class session_status : std::uint8_t { created, connecting, active, ending, ended, unknown };

/// In the order of a session's life; `unknown` last. The numbers are those of the store.
inline constexpr auto session_status_words = make_vocabulary<session_status>({
    {session_status::created, "created", 0},
    {session_status::connecting, "connecting", 1},
    {session_status::active, "active", 2},
    {session_status::ending, "ending", 3},
    {session_status::ended, "ended", 4},
    {session_status::unknown, "unknown", 5},
});
inline constexpr std::size_t session_status_count = session_status_words.size();

enum class session_mode : std::uint8_t {
    bidirectional_translation,
    assistive_translation,
    ai_agent,
    help_chat_voice,
    other,
    none
};

inline constexpr auto session_mode_words = make_vocabulary<session_mode>({
    {session_mode::bidirectional_translation, "bidirectional_translation", 0},
    {session_mode::assistive_translation, "assistive_translation", 1},
    {session_mode::ai_agent, "ai_agent", 2},
    {session_mode::help_chat_voice, "help_chat_voice", 3},
    {session_mode::other, "other", 4},
    {session_mode::none, "none", 5},
});
inline constexpr std::size_t session_mode_count = session_mode_words.size();

enum class session_provider : std::uint8_t { twilio, telnyx, sip, other, none };

inline constexpr auto session_provider_words = make_vocabulary<session_provider>({
    {session_provider::twilio, "twilio", 0},
    {session_provider::telnyx, "telnyx", 1},
    {session_provider::sip, "sip", 2},
    {session_provider::other, "other", 3},
    {session_provider::none, "none", 4},
});
inline constexpr std::size_t session_provider_count = session_provider_words.size();

enum class end_reason : std::uint8_t {
    completed,
    customer_hangup,
    agent_hangup,
    error,
    timeout,
    other,
    none
};

inline constexpr auto end_reason_words = make_vocabulary<end_reason>({
    {end_reason::completed, "completed", 0},
    {end_reason::customer_hangup, "customer_hangup", 1},
    {end_reason::agent_hangup, "agent_hangup", 2},
    {end_reason::error, "error", 3},
    {end_reason::timeout, "timeout", 4},
    {end_reason::other, "other", 5},
    {end_reason::none, "none", 6},
});
inline constexpr std::size_t end_reason_count = end_reason_words.size();

/// Label values: the API's own spelling.
[[nodiscard]] constexpr std::string_view to_string(session_status value) noexcept {
    return session_status_words.text_of(value);
}

[[nodiscard]] constexpr std::string_view to_string(session_mode value) noexcept {
    return session_mode_words.text_of(value);
}

[[nodiscard]] constexpr std::string_view to_string(session_provider value) noexcept {
    return session_provider_words.text_of(value);
}

[[nodiscard]] constexpr std::string_view to_string(end_reason value) noexcept {
    return end_reason_words.text_of(value);
}

/// The value of a word of the API; other words give `unknown` or `other`.
[[nodiscard]] constexpr session_status parse_session_status(std::string_view text) noexcept {
    return session_status_words.find_before(text, session_status::unknown);
}

[[nodiscard]] constexpr session_mode parse_session_mode(std::string_view text) noexcept {
    return session_mode_words.find_before(text, session_mode::other);
}

[[nodiscard]] constexpr session_provider parse_session_provider(std::string_view text) noexcept {
    return session_provider_words.find_before(text, session_provider::other);
}

[[nodiscard]] constexpr end_reason parse_end_reason(std::string_view text) noexcept {
    return end_reason_words.find_before(text, end_reason::other);
}

/// Where a session id came from; a session may have several sources. The label of
/// kallglot_exporter_sessions_added_total.
enum class session_source : std::uint8_t { file, api, webhook };

/// The numbers are those of the bits in a stored set.
inline constexpr auto session_source_words = make_vocabulary<session_source>({
    {session_source::file, "file", 0},
    {session_source::api, "api", 1},
    {session_source::webhook, "webhook", 2},
});
inline constexpr std::size_t session_source_count = session_source_words.size();

/// Sets of sources have four bits in the store.
static_assert(session_source_count <= 4);

/// The bit of a source in a set of sources.
[[nodiscard]] constexpr std::uint8_t source_bit(session_source source) noexcept {
    return static_cast<std::uint8_t>(1U << session_source_words.stored_number(source));
}

/// The set of all sources: no stored set has another bit.
[[nodiscard]] constexpr std::uint8_t all_sources() noexcept {
    std::uint8_t set = 0;
    for (const auto& word : session_source_words) {
        set |= source_bit(word.value);
    }
    return set;
}

/// The content of one answer about a session: a closed set of fields, without secrets or personal data.
///
/// Source: kallglot-api reference, GET /v1/sessions/{id}, both generations; samples in tests/samples.
struct session_snapshot {
    session_status status = session_status::unknown;
    session_mode mode = session_mode::none;
    session_provider provider = session_provider::none;
    kallglot::end_reason reason = kallglot::end_reason::none;
    std::optional<api_time> created_at;
    std::optional<api_time> started_at;
    std::optional<api_time> ended_at;
};

/// The confirm rank of a status without thresholds.
inline constexpr std::uint8_t no_confirms = 0xFF;

/// What differs between statuses. All other code treats them alike.
struct status_rules {
    session_status status;

    /// Place in a session's life. A session that changes to a lower stage steps back; `unknown` has no place.
    std::uint8_t stage = 0;

    /// Time between two routine polls; null: sessions in this status are not polled.
    milliseconds poll_intervals::* interval = nullptr;

    /// Ages that alerts may use; null: none.
    threshold_settings::list threshold_settings::* thresholds = nullptr;

    /// The API's timestamp for the beginning of this status; null: it has none.
    std::optional<api_time> session_snapshot::* began_at = nullptr;

    /// Order of confirming polls when requests are scarce; the lowest rank goes first.
    std::uint8_t confirm_rank = no_confirms;

    /// The call has not started yet, or may not have: `not_started` counts the session.
    bool waits_for_start = false;

    /// No webhook reports this status, but one reports its end.
    bool is_between_webhooks = false;

    /// The age from which a stay is a stuck episode; null: a long stay is normal.
    milliseconds episode_thresholds::* episode = nullptr;
};

/// The rank of confirms for the thresholds of `not_started`.
inline constexpr std::uint8_t not_started_confirm_rank = 1;

inline constexpr std::array<status_rules, session_status_count> session_status_rules{{
    {.status = session_status::created,
     .stage = 0,
     .interval = &poll_intervals::created,
     .thresholds = &threshold_settings::created,
     .began_at = &session_snapshot::created_at,
     .confirm_rank = 4,
     .waits_for_start = true,
     .episode = &episode_thresholds::created},
    {.status = session_status::connecting,
     .stage = 1,
     .interval = &poll_intervals::connecting,
     .thresholds = &threshold_settings::connecting,
     .confirm_rank = 0,
     .waits_for_start = true,
     .is_between_webhooks = true,
     .episode = &episode_thresholds::connecting},
    {.status = session_status::active,
     .stage = 2,
     .interval = &poll_intervals::active,
     .thresholds = &threshold_settings::active,
     .began_at = &session_snapshot::started_at,
     .confirm_rank = 3},
    {.status = session_status::ending,
     .stage = 3,
     .interval = &poll_intervals::ending,
     .thresholds = &threshold_settings::ending,
     .confirm_rank = 2,
     .is_between_webhooks = true,
     .episode = &episode_thresholds::ending},
    {.status = session_status::ended, .stage = 4, .began_at = &session_snapshot::ended_at},
    {.status = session_status::unknown,
     .interval = &poll_intervals::unknown,
     .waits_for_start = true},
}};

[[nodiscard]] constexpr const status_rules& rules_of(session_status status) noexcept {
    return session_status_rules[static_cast<std::size_t>(status)];
}

/// The status is known, and the call has not started.
[[nodiscard]] constexpr bool is_before_start(session_status status) noexcept {
    return rules_of(status).waits_for_start && status != session_status::unknown;
}

/// A step back in a session's life.
[[nodiscard]] constexpr bool is_backwards(session_status from, session_status to) noexcept {
    return from != session_status::unknown && to != session_status::unknown
           && rules_of(to).stage < rules_of(from).stage;
}

/// The number of ranks; 0 if the rules are out of order, two statuses share a rank, or a rank is missing.
[[nodiscard]] consteval std::size_t count_confirm_ranks() {
    std::array<bool, session_status_count + 1> used{};
    used[not_started_confirm_rank] = true;
    std::size_t count = 1;
    for (std::size_t i = 0; i < session_status_count; ++i) {
        const status_rules& rules = session_status_rules[i];
        if (static_cast<std::size_t>(rules.status) != i
            || (rules.thresholds == nullptr) != (rules.confirm_rank == no_confirms)) {
            return 0;
        }
        if (rules.thresholds != nullptr) {
            if (rules.confirm_rank > session_status_count || used[rules.confirm_rank]) {
                return 0;
            }
            used[rules.confirm_rank] = true;
            ++count;
        }
    }
    for (std::size_t rank = 0; rank < count; ++rank) {
        if (!used[rank]) {
            return 0;
        }
    }
    return count;
}

/// Each rank has a queue of its own.
inline constexpr std::size_t confirm_rank_count = count_confirm_ranks();
static_assert(confirm_rank_count != 0, "the rules of the statuses are out of order");

} // namespace kallglot

#endif
