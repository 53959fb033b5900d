#include "api/session_fields.hpp"

#include "kallglot/base/time.hpp"

#include <cstddef>
#include <cstring>

namespace kallglot {
namespace {

using enum session_field;

// The compiler knows the length, so a comparison takes one or two machine words.
template <std::size_t Size>
bool same(std::string_view key, const char (&word)[Size]) noexcept {
    return std::memcmp(key.data(), word, Size - 1) == 0;
}

} // namespace

session_field session_field_of(std::string_view key) noexcept {
    // The length separates most keys, so that each key costs at most two comparisons.
    switch (key.size()) {
        case 2:
            return same(key, "id") ? id : none;
        case 4:
            return same(key, "mode") ? mode : none;
        case 6:
            if (same(key, "status")) {
                return status;
            }
            return same(key, "object") ? object : none;
        case 8:
            if (same(key, "provider")) {
                return provider;
            }
            return same(key, "ended_at") ? ended_at : none;
        case 10:
            if (same(key, "created_at")) {
                return created_at;
            }
            if (same(key, "started_at")) {
                return started_at;
            }
            return same(key, "end_reason") ? session_field::end_reason : none;
        default:
            return none;
    }
}

// Every body is checked against the id that was requested.
void session_fields::start(const session_id& expected) noexcept {
    expected_ = expected;
    clear();
}

void session_fields::clear() noexcept {
    // expected_ stays: the caller may clear a body and continue with the same session.
    snapshot_ = {};
    has_id_ = has_status_ = has_end_ = false;
}

errc session_fields::note_key(session_field field) noexcept {
    if (field != id && field != status) {
        return no_problem;
    }
    // Two ids or two statuses in one object: it is not clear which one is valid.
    // Counted at the key, so that a repeated key with a value of another type is found, too.
    bool& seen = field == id ? has_id_ : has_status_;
    if (seen) {
        return errc::invalid_session;
    }
    seen = true;
    return no_problem;
}

errc session_fields::note_text(session_field field, std::string_view text) noexcept {
    switch (field) {
        case id:
            // An answer about another session must never change this one.
            return expected_ && text == expected_->view() ? no_problem : errc::wrong_session;
        // `object` separates a session from other resources of the API with an id and a status.
        case object:
            return text == "session" ? no_problem : errc::invalid_session;
        case status:
            // A word that is not known becomes `unknown`: a new status of the API must not break a poll.
            snapshot_.status = parse_session_status(text);
            break;
        case mode:
            snapshot_.mode = parse_session_mode(text);
            break;
        case provider:
        // Both generations of the API: the provider as text, or as an object with a type.
        case provider_type:
            snapshot_.provider = parse_session_provider(text);
            break;
        case session_field::end_reason:
            snapshot_.reason = parse_end_reason(text);
            break;
        // A timestamp in an unknown format counts as absent; the moments of the poll bound the status then.
        case created_at:
            snapshot_.created_at = parse_timestamp(text);
            break;
        case started_at:
            snapshot_.started_at = parse_timestamp(text);
            break;
        case ended_at:
            snapshot_.ended_at = parse_timestamp(text);
            // A time in an unknown format still says that the session has ended.
            has_end_ = true;
            break;
        case none:
            break;
    }
    return no_problem;
}

errc session_fields::note_absent(session_field field) noexcept {
    switch (field) {
        case id:
        case status:
            // These two must be text. The object is not a session without them.
            return errc::invalid_session;
        // The last value of a repeated member counts, so null removes an earlier value.
        case mode:
            snapshot_.mode = session_mode::none;
            break;
        case provider:
        case provider_type:
            snapshot_.provider = session_provider::none;
            break;
        case session_field::end_reason:
            snapshot_.reason = kallglot::end_reason::none;
            break;
        case created_at:
            snapshot_.created_at.reset();
            break;
        case started_at:
            snapshot_.started_at.reset();
            break;
        case ended_at:
            snapshot_.ended_at.reset();
            has_end_ = false;
            break;
        case object:
        case none:
            break;
    }
    return no_problem;
}

result<session_snapshot> session_fields::take() const noexcept {
    // Without these two the object cannot be a session of the API.
    if (!has_id_ || !has_status_) {
        return errc::invalid_session;
    }
    // A copy, so that take() can be called again with the same result.
    session_snapshot snapshot = snapshot_;
    // An end time is stronger than the status: the API may report the status late.
    if (has_end_) {
        snapshot.status = session_status::ended;
    }
    return snapshot;
}

} // namespace kallglot
