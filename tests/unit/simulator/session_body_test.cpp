#include "simulator/session_body.hpp"

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace kallglot::simulator {
namespace {

using std::chrono::seconds;

const system_time born{std::chrono::sys_days{std::chrono::year{2026} / 4 / 14}};
constexpr std::string_view id = "sess_ECS4R2PW421W118Z21AQKRJE2T";

boost::json::object body_of(const session_life& life, system_time now) {
    std::string text;
    append_session(text, life, now, body_words{id, to_text(status_at(life, now))});
    return boost::json::parse(text).as_object();
}

boost::json::object sample(const std::string& name) {
    std::string path = KALLGLOT_SOURCE_DIR "/tests/samples/";
    path += name;
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return boost::json::parse(text).as_object();
}

std::set<std::string> keys_of(const boost::json::object& object) {
    std::set<std::string> keys;
    for (const auto& field : object) {
        keys.emplace(field.key());
    }
    return keys;
}

// The first life, by number, that has the wanted shape.
session_life find_life(json_generation generation, std::string_view provider) {
    for (std::uint64_t number = 0;; ++number) {
        const auto life = make_arriving_life(life_settings{}, number, session_kind::ordinary, born);
        if (life.generation == generation && provider_of(life) == provider) {
            return life;
        }
    }
}

TEST(SessionBody, HasTheFieldsOfTheOlderSamples) {
    const session_life life = find_life(json_generation::first, "twilio");
    const auto connecting = body_of(life, life.connecting_at);
    const auto active = body_of(life, life.started_at + seconds{30});
    const auto ended = body_of(life, life.ended_at + seconds{1});
    EXPECT_EQ(keys_of(connecting), keys_of(sample("session_connecting.json")));
    EXPECT_EQ(keys_of(active), keys_of(sample("session_active.json")));
    EXPECT_EQ(keys_of(ended), keys_of(sample("session_ended.json")));
    EXPECT_EQ(keys_of(active.at("provider").as_object()),
              keys_of(sample("session_active.json").at("provider").as_object()));
    EXPECT_EQ(keys_of(active.at("stream").as_object()),
              keys_of(sample("session_active.json").at("stream").as_object()));
    EXPECT_EQ(connecting.at("status"), "connecting");
    EXPECT_EQ(active.at("provider").at("status"), "connected");
    EXPECT_EQ(ended.at("provider").at("status"), "disconnected");
}

TEST(SessionBody, HasTheFieldsOfTheNewerSamples) {
    const session_life life = find_life(json_generation::second, "twilio");
    const auto active = body_of(life, life.started_at + seconds{30});
    EXPECT_EQ(keys_of(active), keys_of(sample("session_active_new.json")));
    EXPECT_EQ(active.at("provider"), "twilio");
    const session_life by_sip = find_life(json_generation::second, "sip");
    const auto ended = body_of(by_sip, by_sip.ended_at + seconds{1});
    EXPECT_EQ(keys_of(ended), keys_of(sample("session_ended_new.json")));
}

TEST(SessionBody, MissingProviderIsShownAsEachGenerationDoes) {
    const session_life first = find_life(json_generation::first, "");
    EXPECT_FALSE(body_of(first, first.started_at).contains("provider"));
    const session_life second = find_life(json_generation::second, "");
    EXPECT_TRUE(body_of(second, second.started_at).at("provider").is_null());
    EXPECT_TRUE(body_of(second, second.started_at).at("phone_number").is_null());
}

TEST(SessionBody, FutureTimesAreNull) {
    const session_life life = find_life(json_generation::first, "telnyx");
    const auto created = body_of(life, life.created_at);
    EXPECT_EQ(created.at("created_at"), "2026-04-14T00:00:00Z");
    EXPECT_TRUE(created.at("started_at").is_null());
    EXPECT_TRUE(created.at("ended_at").is_null());
    const auto active = body_of(life, life.started_at);
    EXPECT_TRUE(active.at("started_at").is_string());
    EXPECT_TRUE(active.at("ended_at").is_null());
    EXPECT_TRUE(body_of(life, life.ended_at).at("ended_at").is_string());
}

TEST(SessionBody, CountsTheCallUntilItIsOver) {
    const session_life life = find_life(json_generation::first, "twilio");
    EXPECT_DOUBLE_EQ(body_of(life, life.connecting_at).at("duration").to_number<double>(), 0.0);
    EXPECT_DOUBLE_EQ(
        body_of(life, life.started_at + seconds{12}).at("duration").to_number<double>(),
        12.0);
    const double length = std::chrono::duration<double>(life.ending_at - life.started_at).count();
    EXPECT_NEAR(body_of(life, life.ended_at + seconds{999}).at("duration").to_number<double>(),
                length,
                0.1);
}

TEST(SessionBody, BodyContainsTheCanaries) {
    int with_phone_number = 0;
    for (std::uint64_t number = 0; number < 200; ++number) {
        const auto life = make_arriving_life(life_settings{}, number, session_kind::ordinary, born);
        std::string text;
        append_session(text, life, life.started_at, body_words{id, "active"});
        EXPECT_NE(text.find("kst_live_CANARY"), std::string::npos);
        with_phone_number += text.find("+1202555") != std::string::npos ? 1 : 0;
        const auto object = boost::json::parse(text).as_object();
        EXPECT_EQ(std::string_view(object.at("id").as_string()), id);
        EXPECT_EQ(std::string_view(object.at("mode").as_string()), mode_of(life));
    }
    EXPECT_GT(with_phone_number, 150);
}

TEST(SessionBody, ShowsNoStreamOnceEnded) {
    for (std::uint64_t number = 0; number < 50; ++number) {
        const auto life = make_arriving_life(life_settings{}, number, session_kind::ordinary, born);
        EXPECT_TRUE(body_of(life, life.ending_at).contains("stream")
                    || life.ending_at >= life.ended_at);
        EXPECT_FALSE(body_of(life, life.ended_at).contains("stream"));
    }
}

} // namespace
} // namespace kallglot::simulator
