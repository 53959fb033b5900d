// A session as the API shows it: JSON in either documented generation.
//
// Source: docs of GET /v1/sessions/{id}, both generations; the samples in tests/samples. Every body
// carries what the daemon must never let out, a stream token, a phone number, customer metadata,
// all recognisable by the words CANARY and +1202555, so that one search over logs, metrics and
// files finds a leak.

#ifndef KALLGLOT_SIMULATOR_SESSION_BODY_HPP
#define KALLGLOT_SIMULATOR_SESSION_BODY_HPP

#include "simulator/session_life.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// The words that differ from the truth when a fault wants them to.
struct body_words {
    std::string_view id;
    std::string_view status;
    std::string_view mode{};     ///< empty: the truth
    std::string_view provider{}; ///< empty: the truth
};

/// The `number`th of endlessly many words, as they stand in JSON: quotes, line ends, markup, series of other metrics,
/// and every fourth with bytes that are not UTF-8.
[[nodiscard]] std::string hostile_word(std::uint64_t number);

/// Appends the JSON of `life` as of `now`.
///
/// `words.status` is normally `to_text(status_at(life, now))`; a fault may put another one.
void append_session(std::string& out, const session_life& life, system_time now, body_words words);

/// Mode and provider as the body names them; a provider may be empty (a session by WebSocket only).
[[nodiscard]] std::string_view mode_of(const session_life& life);
[[nodiscard]] std::string_view provider_of(const session_life& life);

/// Why an ended session ended; second-generation bodies do not contain it.
[[nodiscard]] std::string_view end_reason_of(const session_life& life);

} // namespace kallglot::simulator

#endif
