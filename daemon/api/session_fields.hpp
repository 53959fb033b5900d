#ifndef KALLGLOT_API_SESSION_FIELDS_HPP
#define KALLGLOT_API_SESSION_FIELDS_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

// What the members of a session object mean, member by member, apart from how JSON spells them. Used
// by session_parser alone.
namespace kallglot {

/// The members that we look at; `none` is every other one.
enum class session_field : std::uint8_t {
    none,
    id,
    object,
    status,
    mode,
    provider,      ///< text, or an object with `type`
    provider_type, ///< `type` within `provider`
    end_reason,
    created_at,
    started_at,
    ended_at
};

/// The member of a session that a key names.
[[nodiscard]] session_field session_field_of(std::string_view key) noexcept;

/// What the functions below answer when all is well: one machine word instead of an error_code,
/// because it is answered some thirty times a body.
inline constexpr errc no_problem{};

/// Puts a snapshot together. Of a member that comes twice the last value counts.
class session_fields {
public:
    /// Begins a session that must be `expected`.
    void start(const session_id& expected) noexcept;

    /// Forgets what was read, but not which session is expected.
    void clear() noexcept;

    /// A key was read. Errors: invalid_session if `id` or `status` comes a second time.
    [[nodiscard]] errc note_key(session_field field) noexcept;

    /// The value is text. Errors: wrong_session, invalid_session (`object` is no session).
    [[nodiscard]] errc note_text(session_field field, std::string_view text) noexcept;

    /// The value is null or of a type that we cannot use. Errors: invalid_session for `id`, `status`.
    [[nodiscard]] errc note_absent(session_field field) noexcept;

    /// Errors: invalid_session if there was no id or no status.
    [[nodiscard]] result<session_snapshot> take() const noexcept;

private:
    std::optional<session_id> expected_;
    session_snapshot snapshot_;
    bool has_id_ = false;
    bool has_status_ = false;
    bool has_end_ = false;
};

} // namespace kallglot

#endif
