#ifndef KALLGLOT_CORE_SESSION_HPP
#define KALLGLOT_CORE_SESSION_HPP

#include "kallglot/core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// The closed vocabulary of a session. The API's lists are open: text that is not listed here becomes
// `unknown` or `other`, so that a new word upstream never grows a metric and never breaks a poll.
namespace kallglot {

enum class session_status : std::uint8_t { created, connecting, active, ending, ended, unknown };
inline constexpr std::size_t session_status_count = 6;

enum class session_mode : std::uint8_t {
    bidirectional_translation,
    assistive_translation,
    ai_agent,
    help_chat_voice,
    other,
    none
};
inline constexpr std::size_t session_mode_count = 6;

enum class session_provider : std::uint8_t { twilio, telnyx, sip, other, none };
inline constexpr std::size_t session_provider_count = 5;

enum class end_reason : std::uint8_t {
    completed,
    customer_hangup,
    agent_hangup,
    error,
    timeout,
    other,
    none
};
inline constexpr std::size_t end_reason_count = 7;

/// Label values: the API's own spelling.
[[nodiscard]] std::string_view to_string(session_status value) noexcept;
[[nodiscard]] std::string_view to_string(session_mode value) noexcept;
[[nodiscard]] std::string_view to_string(session_provider value) noexcept;
[[nodiscard]] std::string_view to_string(end_reason value) noexcept;

/// The API's words to ours; a word that is not known gives `unknown` or `other`.
[[nodiscard]] session_status parse_session_status(std::string_view text) noexcept;
[[nodiscard]] session_mode parse_session_mode(std::string_view text) noexcept;
[[nodiscard]] session_provider parse_session_provider(std::string_view text) noexcept;
[[nodiscard]] end_reason parse_end_reason(std::string_view text) noexcept;

/// What one answer said about a session: a closed set of fields, nothing secret, nothing personal.
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

} // namespace kallglot

#endif
