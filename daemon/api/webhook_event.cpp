#include "kallglot/api/webhook_event.hpp"

#include "api/json_members.hpp"
#include "kallglot/base/time.hpp"

namespace kallglot {

namespace {

struct event_reader {
    /// The last three may have the session's id. The first of them in this list counts, in whatever order they are
    /// sent, so that a sender cannot choose by order.
    enum class member : std::uint8_t {
        skipped,
        body,
        id,
        type,
        created_at,
        data,
        session_of_data,
        data_id,
        data_session_id,
        id_of_session
    };

    static constexpr std::array members{
        json_member{member::id, member::body, "id"},
        json_member{member::type, member::body, "type"},
        json_member{member::created_at, member::body, "created_at"},
        json_member{member::data, member::body, "data"},
        json_member{member::data_id, member::data, "id"},
        json_member{member::data_session_id, member::data, "session_id"},
        json_member{member::session_of_data, member::data, "session"},
        json_member{member::id_of_session, member::session_of_data, "id"},
    };

    void take_text(member which, std::string_view value) noexcept {
        switch (which) {
            case member::id:
                has_id = !value.empty();
                // The sender chooses it. It is only compared, and one that is too long never gets here (json_member).
                event.id = event_id(value);
                break;
            case member::type:
                has_type = !value.empty();
                // The list of types is open; an unknown one is counted as `other`.
                event.type = webhook_type_words.find(value, webhook_type::other);
                // A new type that begins with `session.` may be the first report of a session.
                event.of_session = value.starts_with("session.");
                break;
            case member::created_at:
                // Without a readable time the receipt counts.
                event.made_at = parse_timestamp(value);
                break;
            case member::data_id:
            case member::data_session_id:
            case member::id_of_session:
                // Ids of other resources have another prefix; they must not be tracked as sessions.
                if (const auto id = session_id::parse(value);
                    id && value.starts_with("sess_") && (!event.session || which < found_in)) {
                    event.session = *id;
                    // Remembered, because a member of a lower rank may follow.
                    found_in = which;
                }
                break;
            case member::skipped:
            case member::body:
            case member::data:
            case member::session_of_data:
                break;
        }
    }

    void take_number(member, double) noexcept {}

    webhook_event event;
    member found_in = member::skipped; ///< the member that had the session's id
    bool has_id = false;
    bool has_type = false;
};

} // namespace

result<webhook_event> parse_webhook_event(std::string_view body) noexcept {
    // In one pass without a document: some events have a whole transcript in them.
    const std::optional<event_reader> read = read_members<event_reader>(body);
    if (!read) {
        return errc::malformed_json;
    }
    // The envelope is the only documented part, so nothing else is required.
    if (!read->has_id || !read->has_type) {
        return errc::invalid_event;
    }
    return read->event;
}

std::optional<session_event> session_event_of(webhook_type type) noexcept {
    switch (type) {
        // The three changes of the status.
        case webhook_type::session_created:
            return session_event::created;
        case webhook_type::session_started:
            return session_event::started;
        case webhook_type::session_ended:
            return session_event::ended;
        case webhook_type::session_provider_connected:
        case webhook_type::session_provider_disconnected:
            // The provider says nothing about the status itself, so a poll looks.
            return session_event::touched;
        // About results of a call: its status does not change by them.
        case webhook_type::transcript_ready:
        case webhook_type::transcript_segment:
        case webhook_type::recording_ready:
        case webhook_type::recording_failed:
        case webhook_type::analysis_complete:
        case webhook_type::analysis_failed:
        case webhook_type::other:
            break;
    }
    return std::nullopt;
}

} // namespace kallglot
