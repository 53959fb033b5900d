/// Parser of webhook deliveries: reads a closed set of fields from a body whose signature was verified.
///
/// The payloads of most events are not documented, so the parser requires the envelope only. The session's id is the
/// first of `data.id`, `data.session_id` and `data.session.id` that looks like one. An event is a hint; a poll brings
/// the facts. Spoken words, phone numbers and metadata are skipped and never copied.

#ifndef KALLGLOT_API_WEBHOOK_EVENT_HPP
#define KALLGLOT_API_WEBHOOK_EVENT_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_tracker.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// The documented types; the label of kallglot_exporter_webhook_events_total. The list is open upstream.
enum class webhook_type : std::uint8_t {
    session_created,
    session_started,
    session_ended,
    session_provider_connected,
    session_provider_disconnected,
    transcript_ready,
    transcript_segment,
    recording_ready,
    recording_failed,
    analysis_complete,
    analysis_failed,
    other
};
inline constexpr auto webhook_type_words = make_vocabulary<webhook_type>({
    {webhook_type::session_created, "session.created"},
    {webhook_type::session_started, "session.started"},
    {webhook_type::session_ended, "session.ended"},
    {webhook_type::session_provider_connected, "session.provider.connected"},
    {webhook_type::session_provider_disconnected, "session.provider.disconnected"},
    {webhook_type::transcript_ready, "transcript.ready"},
    {webhook_type::transcript_segment, "transcript.segment"},
    {webhook_type::recording_ready, "recording.ready"},
    {webhook_type::recording_failed, "recording.failed"},
    {webhook_type::analysis_complete, "analysis.complete"},
    {webhook_type::analysis_failed, "analysis.failed"},
    {webhook_type::other, "other"},
});

/// An event's own id: up to 64 bytes of any kind. A value without heap memory.
class event_id {
public:
    static constexpr std::size_t max_size = 64;

    event_id() = default;

    /// Precondition: not longer than max_size.
    explicit event_id(std::string_view text) noexcept
        : size_(static_cast<std::uint8_t>(text.copy(text_.data(), max_size))) {}

    /// Valid as long as this object is neither moved nor destroyed.
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, max_size> text_{};
    std::uint8_t size_ = 0;
};

/// One delivered event. Source: kallglot-api reference section 6, tests/samples/webhook_*.json.
struct webhook_event {
    event_id id; ///< the event's own, to detect duplicates
    webhook_type type = webhook_type::other;
    std::optional<api_time> made_at;   ///< `created_at` of the envelope
    std::optional<session_id> session; ///< the session of the event; empty if it has none
    bool of_session = false;           ///< its type begins with `session.`, known or not
};

/// Parses the body of a delivery.
///
/// Errors: malformed_json (also: deeper than 16, trailing bytes, invalid UTF-8), invalid_event (no `id` or no
///         `type` as text of 1 to 64 characters).
[[nodiscard]] result<webhook_event> parse_webhook_event(std::string_view body) noexcept;

/// The effect of the event on the session; empty for events that do not concern its status.
[[nodiscard]] std::optional<session_event> session_event_of(webhook_type type) noexcept;

} // namespace kallglot

#endif
