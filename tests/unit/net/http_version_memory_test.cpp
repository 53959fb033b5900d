#include "net/client/http_version_memory.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{1000s};

class HttpVersionMemory : public ::testing::Test {
protected:
    void use(http_version_choice choice, bool tls = true) { memory_.reset(choice, tls); }

    http_version_memory memory_;
};

TEST_F(HttpVersionMemory, AutoOffersBothAndKnowsNothingAtFirst) {
    EXPECT_EQ(memory_.offer(start).alpn(), "\x02h2\x08http/1.1");
    EXPECT_FALSE(memory_.expected(start));
    memory_.note_agreed(http_version::http_2);
    EXPECT_EQ(memory_.expected(start), http_version::http_2);
    memory_.note_agreed(http_version::http_1_1);
    EXPECT_EQ(memory_.expected(start), http_version::http_1_1);
}

TEST_F(HttpVersionMemory, AFixedVersionIsOfferedAlone) {
    use(http_version_choice::http_1_1);
    EXPECT_EQ(memory_.offer(start).alpn(), "\x08http/1.1");
    EXPECT_EQ(memory_.expected(start), http_version::http_1_1);
    use(http_version_choice::http_2);
    EXPECT_EQ(memory_.offer(start).alpn(), "\x02h2");
    EXPECT_EQ(memory_.expected(start), http_version::http_2);
    memory_.note_http_1_1_required(start);
    EXPECT_EQ(memory_.offer(start).alpn(), "\x02h2");
}

TEST_F(HttpVersionMemory, PlaintextIsAlwaysHttp11) {
    use(http_version_choice::automatic, false);
    EXPECT_FALSE(memory_.offer(start).http_2);
    EXPECT_EQ(memory_.expected(start), http_version::http_1_1);
}

TEST_F(HttpVersionMemory, OnlyWhatWasOfferedIsAccepted) {
    const http_offer both = memory_.offer(start);
    EXPECT_EQ(both.accept("h2"), http_version::http_2);
    EXPECT_EQ(both.accept("http/1.1"), http_version::http_1_1);
    EXPECT_EQ(both.accept(""), http_version::http_1_1);
    EXPECT_FALSE(both.accept("h3"));
    use(http_version_choice::http_1_1);
    EXPECT_FALSE(memory_.offer(start).accept("h2"));
    use(http_version_choice::http_2);
    EXPECT_FALSE(memory_.offer(start).accept(""));
    EXPECT_FALSE(memory_.offer(start).accept("http/1.1"));
}

TEST_F(HttpVersionMemory, ADemandForHttp11HoldsTenMinutes) {
    memory_.note_agreed(http_version::http_2);
    memory_.note_http_1_1_required(start);
    EXPECT_FALSE(memory_.offer(start + 599s).http_2);
    EXPECT_EQ(memory_.expected(start + 599s), http_version::http_1_1);
    EXPECT_TRUE(memory_.offer(start + 600s).http_2);
    EXPECT_FALSE(memory_.expected(start + 600s));
}

TEST_F(HttpVersionMemory, BrokenHttp2FallsBackToHttp11) {
    memory_.note_barren(start);
    memory_.note_barren(start);
    memory_.note_response();
    memory_.note_barren(start);
    memory_.note_barren(start);
    EXPECT_TRUE(memory_.offer(start).http_2);
    memory_.note_barren(start);
    EXPECT_FALSE(memory_.offer(start).http_2);
    EXPECT_TRUE(memory_.offer(start + 10min).http_2);
}

TEST_F(HttpVersionMemory, CalmHalvesTheStreamsForTenMinutes) {
    EXPECT_EQ(memory_.streams(100, start), 100U);
    memory_.note_calm(start);
    EXPECT_EQ(memory_.streams(100, start), 50U);
    EXPECT_EQ(memory_.streams(1, start), 1U);
    EXPECT_EQ(memory_.streams(100, start + 10min), 100U);
}

TEST_F(HttpVersionMemory, ALengthSeenTwiceIsLearned) {
    const std::uint32_t usual = memory_.max_requests();
    memory_.note_length(1000);
    EXPECT_EQ(memory_.max_requests(), usual);
    memory_.note_length(1000);
    EXPECT_EQ(memory_.max_requests(), 1000U);
    memory_.note_length(2000);
    EXPECT_EQ(memory_.max_requests(), usual);
}

TEST_F(HttpVersionMemory, ARestartOfTheApiIsNoLength) {
    memory_.note_length(7);
    memory_.note_length(7);
    EXPECT_GT(memory_.max_requests(), 100'000U);
}

TEST_F(HttpVersionMemory, ANewHostIsUnknown) {
    memory_.note_agreed(http_version::http_2);
    memory_.note_calm(start);
    use(http_version_choice::automatic);
    EXPECT_FALSE(memory_.expected(start));
    EXPECT_EQ(memory_.streams(100, start), 100U);
}

} // namespace
} // namespace kallglot
