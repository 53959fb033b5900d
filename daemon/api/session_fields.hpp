/// Members of a session object: their names and their meaning, apart from JSON syntax. Used by session_parser only.

#ifndef KALLGLOT_API_SESSION_FIELDS_HPP
#define KALLGLOT_API_SESSION_FIELDS_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// The members that the parser reads; `none` stands for all others.
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

/// The member with this key.
[[nodiscard]] session_field session_field_of(std::string_view key) noexcept;

/// The result of the functions below without an error. One machine word instead of an error_code, because there are
/// about thirty results for each body.
inline constexpr errc no_problem{};

/// Builds a snapshot from the members. If a member comes twice, the last value counts.
class session_fields {
public:
    /// Starts a session that must be `expected`.
    void start(const session_id& expected) noexcept;

    /// Clears what was read, but not the expected id.
    void clear() noexcept;

    /// Takes a key. Errors: invalid_session if `id` or `status` comes a second time.
    [[nodiscard]] errc note_key(session_field field) noexcept;

    /// Takes a text value. Errors: wrong_session, invalid_session (`object` is not a session).
    [[nodiscard]] errc note_text(session_field field, std::string_view text) noexcept;

    /// Takes a value that is null or of another type. Errors: invalid_session for `id`, `status`.
    [[nodiscard]] errc note_absent(session_field field) noexcept;

    /// The snapshot. Errors: invalid_session if there was no id or no status.
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
