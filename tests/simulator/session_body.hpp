// Bodies of sessions: the API's JSON in either documented generation.
//
// Source: docs of GET /v1/sessions/{id}, both generations; the samples in tests/samples. Every body contains data that
// the daemon must never reveal: a stream token, a phone number, customer metadata. They contain the words CANARY or
// +1202555, so that one search over logs, metrics and files finds a leak.

#ifndef KALLGLOT_SIMULATOR_SESSION_BODY_HPP
#define KALLGLOT_SIMULATOR_SESSION_BODY_HPP

#include "simulator/session_life.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// Texts of the body that a fault may replace.
struct body_words {
    std::string_view id;
    std::string_view status;
    std::string_view mode{};     ///< empty: the truth
    std::string_view provider{}; ///< empty: the truth
};

/// The `number`th of endlessly many hostile texts, in the form of JSON: quotes, line ends, markup, series of other
/// metrics; every fourth contains invalid UTF-8.
[[nodiscard]] std::string hostile_word(std::uint64_t number);

/// Appends the JSON of `life` as of `now`.
///
/// `words.status` is normally `to_text(status_at(life, now))`; a fault may replace it.
void append_session(std::string& out, const session_life& life, system_time now, body_words words);

/// Mode and provider in the body; a provider may be empty (a session by WebSocket only).
[[nodiscard]] std::string_view mode_of(const session_life& life);
[[nodiscard]] std::string_view provider_of(const session_life& life);

/// Why an ended session ended; second-generation bodies do not contain it.
[[nodiscard]] std::string_view end_reason_of(const session_life& life);

} // namespace kallglot::simulator

#endif
