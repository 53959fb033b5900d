#include "kallglot/core/session.hpp"

#include <array>

namespace kallglot {
namespace {

// The API's words in the order of the enumerators, which makes one table serve both directions. What
// stands after the words that the API knows are ours: they are printed, never read.
constexpr std::array<std::string_view, session_status_count> status_words{"created",
                                                                          "connecting",
                                                                          "active",
                                                                          "ending",
                                                                          "ended",
                                                                          "unknown"};
constexpr std::array<std::string_view, session_mode_count> mode_words{"bidirectional_translation",
                                                                      "assistive_translation",
                                                                      "ai_agent",
                                                                      "help_chat_voice",
                                                                      "other",
                                                                      "none"};
constexpr std::array<std::string_view, session_provider_count> provider_words{"twilio",
                                                                              "telnyx",
                                                                              "sip",
                                                                              "other",
                                                                              "none"};
constexpr std::array<std::string_view, end_reason_count> end_reason_words{"completed",
                                                                          "customer_hangup",
                                                                          "agent_hangup",
                                                                          "error",
                                                                          "timeout",
                                                                          "other",
                                                                          "none"};

template <class Enum, std::size_t Size>
std::string_view word_of(const std::array<std::string_view, Size>& words, Enum value) noexcept {
    return words[static_cast<std::size_t>(value)];
}

// The words before `fallback` are the API's.
template <class Enum, std::size_t Size>
Enum find_word(const std::array<std::string_view, Size>& words,
               std::string_view text,
               Enum fallback) noexcept {
    const auto known = static_cast<std::size_t>(fallback);
    for (std::size_t i = 0; i < known; ++i) {
        if (words[i] == text) {
            return static_cast<Enum>(i);
        }
    }
    return fallback;
}

} // namespace

std::string_view to_string(session_status value) noexcept {
    return word_of(status_words, value);
}

std::string_view to_string(session_mode value) noexcept {
    return word_of(mode_words, value);
}

std::string_view to_string(session_provider value) noexcept {
    return word_of(provider_words, value);
}

std::string_view to_string(end_reason value) noexcept {
    return word_of(end_reason_words, value);
}

session_status parse_session_status(std::string_view text) noexcept {
    return find_word(status_words, text, session_status::unknown);
}

session_mode parse_session_mode(std::string_view text) noexcept {
    return find_word(mode_words, text, session_mode::other);
}

session_provider parse_session_provider(std::string_view text) noexcept {
    return find_word(provider_words, text, session_provider::other);
}

end_reason parse_end_reason(std::string_view text) noexcept {
    return find_word(end_reason_words, text, end_reason::other);
}

} // namespace kallglot
