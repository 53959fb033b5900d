#include "kallglot/tracking/session.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace kallglot {
namespace {

template <class Enum>
std::set<std::string_view> labels(std::size_t count) {
    std::set<std::string_view> found;
    for (std::size_t i = 0; i < count; ++i) {
        found.insert(to_string(static_cast<Enum>(i)));
    }
    return found;
}

using words = std::set<std::string_view>;

TEST(SessionVocabulary, LabelsAreTheWordsOfTheApi) {
    EXPECT_EQ(labels<session_status>(session_status_count),
              (words{"created", "connecting", "active", "ending", "ended", "unknown"}));
    EXPECT_EQ(labels<session_mode>(session_mode_count),
              (words{"bidirectional_translation",
                     "assistive_translation",
                     "ai_agent",
                     "help_chat_voice",
                     "other",
                     "none"}));
    EXPECT_EQ(labels<session_provider>(session_provider_count),
              (words{"twilio", "telnyx", "sip", "other", "none"}));
    EXPECT_EQ(labels<end_reason>(end_reason_count),
              (words{"completed",
                     "customer_hangup",
                     "agent_hangup",
                     "error",
                     "timeout",
                     "other",
                     "none"}));
}

TEST(SessionVocabulary, EveryWordOfTheApiIsReadBack) {
    for (const auto value : {session_status::created,
                             session_status::connecting,
                             session_status::active,
                             session_status::ending,
                             session_status::ended}) {
        EXPECT_EQ(parse_session_status(to_string(value)), value);
    }
    for (const auto value : {session_mode::bidirectional_translation,
                             session_mode::assistive_translation,
                             session_mode::ai_agent,
                             session_mode::help_chat_voice}) {
        EXPECT_EQ(parse_session_mode(to_string(value)), value);
    }
    for (const auto value :
         {session_provider::twilio, session_provider::telnyx, session_provider::sip}) {
        EXPECT_EQ(parse_session_provider(to_string(value)), value);
    }
    for (const auto value : {end_reason::completed,
                             end_reason::customer_hangup,
                             end_reason::agent_hangup,
                             end_reason::error,
                             end_reason::timeout}) {
        EXPECT_EQ(parse_end_reason(to_string(value)), value);
    }
}

TEST(SessionVocabulary, UnknownWordsAreNeverRejected) {
    for (const std::string_view text : {"", "Active", "active ", "failed", "none", "other", "x"}) {
        EXPECT_EQ(parse_session_status(text), session_status::unknown) << text;
        EXPECT_EQ(parse_session_mode(text), session_mode::other) << text;
        EXPECT_EQ(parse_session_provider(text), session_provider::other) << text;
        EXPECT_EQ(parse_end_reason(text), end_reason::other) << text;
    }
}

TEST(SessionSnapshot, SaysNothingUntilItIsFilled) {
    const session_snapshot snapshot;
    EXPECT_EQ(snapshot.status, session_status::unknown);
    EXPECT_EQ(snapshot.mode, session_mode::none);
    EXPECT_EQ(snapshot.provider, session_provider::none);
    EXPECT_EQ(snapshot.reason, end_reason::none);
    EXPECT_FALSE(snapshot.created_at || snapshot.started_at || snapshot.ended_at);
}

} // namespace
} // namespace kallglot
