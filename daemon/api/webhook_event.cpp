#include "kallglot/api/webhook_event.hpp"

#include "api/short_text.hpp"
#include "kallglot/api/json_limits.hpp"
#include "kallglot/base/timestamps.hpp"
#include "kallglot/tracking/remembered_keys.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>

namespace kallglot {

namespace {

/// The members that are read, by their position. The last three may have the session's id. The first of them in this
/// list counts, in whatever order they are sent.
enum class member : std::uint8_t {
    none,
    id,
    type,
    created_at,
    data,
    session_of_data,
    data_id,
    data_session_id,
    id_of_session
};

class event_handler : public ignore_json {
public:
    [[nodiscard]] result<webhook_event> take() const noexcept {
        // The envelope is the only documented part, so nothing else is required.
        if (!has_id_ || !has_type_) {
            return errc::invalid_event;
        }
        return event_;
    }

    bool on_object_begin(error_code&) noexcept {
        // The parser reads only these two objects; others count for the depth and are skipped.
        inside_data_ = inside_data_ || (depth_ == 1 && member_ == member::data);
        inside_session_ = inside_session_ || (depth_ == 2 && member_ == member::session_of_data);
        return enter();
    }

    // No member of interest is in an array, so its elements are skipped by their depth.
    bool on_array_begin(error_code& error) noexcept {
        // A delivery is an object. Anything else at the top is not an event.
        if (depth_ == 0) {
            error = errc::malformed_json;
            return false;
        }
        return enter();
    }

    bool on_object_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_array_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_key_part(text part, std::size_t, error_code&) noexcept {
        if (knows_keys()) {
            text_.append(part);
        }
        return true;
    }

    bool on_key(text part, std::size_t total, error_code&) noexcept {
        if (knows_keys()) {
            member_ = member_of(text_.finish(part, total));
            text_.wipe();
        }
        return true;
    }

    bool on_string_part(text part, std::size_t, error_code&) noexcept {
        // Only texts behind known keys: spoken words and phone numbers are never collected.
        if (takes_text()) {
            text_.append(part);
        }
        return true;
    }

    bool on_string(text part, std::size_t total, error_code& error) noexcept {
        if (takes_text()) {
            note_text(text_.finish(part, total));
            text_.wipe();
        }
        return scalar(error);
    }

    bool on_int64(std::int64_t, text, error_code& error) noexcept { return scalar(error); }

    bool on_uint64(std::uint64_t, text, error_code& error) noexcept { return scalar(error); }

    bool on_double(double, text, error_code& error) noexcept { return scalar(error); }

    bool on_bool(bool, error_code& error) noexcept { return scalar(error); }

    bool on_null(error_code& error) noexcept { return scalar(error); }

private:
    [[nodiscard]] bool knows_keys() const noexcept {
        // Keys of other objects are not even collected: they may be personal data.
        return depth_ == 1 || (depth_ == 2 && inside_data_) || (depth_ == 3 && inside_session_);
    }

    [[nodiscard]] bool takes_text() const noexcept {
        // Objects are entered, not read as text.
        return knows_keys() && member_ != member::none && member_ != member::data
               && member_ != member::session_of_data;
    }

    [[nodiscard]] member member_of(std::string_view key) const noexcept {
        if (depth_ == 1) {
            return key == "id"           ? member::id
                   : key == "type"       ? member::type
                   : key == "created_at" ? member::created_at
                   : key == "data"       ? member::data
                                         : member::none;
        }
        // Known keys at depth 3 are those of `data.session`.
        if (depth_ == 3) {
            return key == "id" ? member::id_of_session : member::none;
        }
        return key == "id"           ? member::data_id
               : key == "session_id" ? member::data_session_id
               : key == "session"    ? member::session_of_data
                                     : member::none;
    }

    void note_text(std::string_view value) noexcept {
        switch (member_) {
            case member::id:
                has_id_ = !value.empty();
                // The key stands for the id in memory and on disk; duplicates have the same one.
                event_.key = remembered_key(value);
                break;
            case member::type:
                has_type_ = !value.empty();
                // The list of types is open; an unknown one is counted as `other`.
                event_.type = webhook_type_words.find(value, webhook_type::other);
                // A new type that begins with `session.` may be the first report of a session.
                event_.of_session = value.starts_with("session.");
                break;
            case member::created_at:
                // Without a readable time the receipt counts.
                event_.made_at = parse_timestamp(value);
                break;
            case member::data_id:
            case member::data_session_id:
            case member::id_of_session:
                // Ids of other resources have another prefix; they must not be tracked as sessions.
                // A lower member wins whatever the order in the body, so that a sender cannot choose by order.
                if (const auto id = session_id::parse(value);
                    id && value.starts_with("sess_") && (!event_.session || member_ < found_in_)) {
                    event_.session = *id;
                    found_in_ = member_;
                }
                break;
            case member::none:
            case member::data:
            case member::session_of_data:
                break;
        }
    }

    bool scalar(error_code& error) noexcept {
        if (depth_ == 0) {
            error = errc::malformed_json;
            return false;
        }
        // A value ends its member, so that the elements of an array do not belong to it.
        member_ = member::none;
        return true;
    }

    bool enter() noexcept {
        ++depth_;
        member_ = member::none;
        return true;
    }

    bool leave() noexcept {
        --depth_;
        // Leave the objects that end here; an object inside them ends at a greater depth.
        inside_session_ = inside_session_ && depth_ > 2;
        inside_data_ = inside_data_ && depth_ > 1;
        member_ = member::none;
        return true;
    }

    webhook_event event_;
    short_text text_;
    std::size_t depth_ = 0;
    member member_ = member::none;
    member found_in_ = member::none; ///< the member that had the session's id
    bool inside_data_ = false;
    bool inside_session_ = false;
    bool has_id_ = false;
    bool has_type_ = false;
};

} // namespace

result<webhook_event> parse_webhook_event(std::string_view body) noexcept {
    boost::json::basic_parser<event_handler> parser(strict_json());
    error_code problem;
    // The body is complete, so the parser never suspends and never allocates.
    const std::size_t taken = parser.write_some(false, body.data(), body.size(), problem);
    if (problem || taken != body.size()) {
        return errc::malformed_json;
    }
    return parser.handler().take();
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
