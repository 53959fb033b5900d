#include "kallglot/web/session_api.hpp"

#include "route_fixture.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view token = "the-token-of-the-session-api-of-some-length";
const std::string all = "/api/v1/sessions";

std::string name(std::size_t number) {
    char text[64];
    std::snprintf(text, sizeof text, "sess_01JQ7N0C5VXB3HEZ4M8K_%08zu", number);
    return text;
}

std::string ids_body(std::size_t count) {
    std::string body = R"({"ids":[)";
    for (std::size_t i = 0; i < count; ++i) {
        body += (i == 0 ? "\"" : ",\"") + name(i) + '"';
    }
    return body + "]}";
}

class SessionApi : public test::RouteFixture {
protected:
    SessionApi() { api_.install(routes_); }

    static field_list authorized() { return {{"Authorization", "Bearer " + std::string(token)}}; }

    http_response ask_for(const std::string& method,
                          const std::string& target,
                          const std::string& body = "") {
        return call(method, target, authorized(), body);
    }

    double rejected(std::string_view reason) const {
        return metric("kallglot_exporter_sessions_rejected_total", reason);
    }

    session_api api_{intake_, metrics_, secret(token)};
};

TEST_F(SessionApi, NewIdAnswers201AndKnownId200) {
    const http_response first = ask_for("PUT", all + "/" + name(1));
    EXPECT_EQ(first.status, 201);
    EXPECT_EQ(json_of(first).at("id").as_string(), name(1));
    EXPECT_EQ(field(first, "Cache-Control"), "no-store");
    const http_response second = ask_for("PUT", all + "/" + name(1));
    EXPECT_EQ(second.status, 200);
    EXPECT_EQ(json_of(second).at("id").as_string(), name(1));
    EXPECT_EQ(intake_.sessions.size(), 1U);
}

TEST_F(SessionApi, AnswerWaitsUntilTheIdIsDurable) {
    struct held {
        const char* method;
        std::string target;
        std::string body;
        int status;
    };

    for (const held& each : {held{"PUT", all + "/" + name(1), "", 201},
                             held{"PUT", all + "/" + name(1), "", 200},
                             held{"POST", all, ids_body(3), 200},
                             held{"DELETE", all + "/" + name(1), "", 204}}) {
        intake_.hold();
        http_response response;
        begin(each.method, each.target, authorized(), each.body, response);
        EXPECT_EQ(response.status, 0) << each.method;
        intake_.release();
        ASSERT_TRUE(loop_.run_until([&] { return group_.size() == 0; }));
        EXPECT_EQ(response.status, each.status) << each.method;
    }
}

TEST_F(SessionApi, InvalidIdIsRejectedAndCounted) {
    const std::string longest(64, 'x');
    EXPECT_EQ(ask_for("PUT", all + "/" + longest).status, 201);
    double refused = 0;
    for (const std::string& id : {std::string(),
                                  longest + "x",
                                  std::string("a/b"),
                                  std::string("a.b"),
                                  std::string(".."),
                                  std::string("sess_%41"),
                                  std::string("sess_\xC3\xA4"),
                                  std::string("sess_ "),
                                  std::string(10'000, 'x')}) {
        const http_response response = ask_for("PUT", all + "/" + id);
        EXPECT_EQ(response.status, 400) << id;
        EXPECT_EQ(error_of(response), "invalid_id") << id;
        EXPECT_EQ(rejected("invalid_id"), ++refused);
        // Asking for such an id and forgetting it tell the same; nothing was brought in, so nothing is counted.
        EXPECT_EQ(ask_for("GET", all + "/" + id).status, 400);
        EXPECT_EQ(ask_for("DELETE", all + "/" + id).status, 400);
        EXPECT_EQ(rejected("invalid_id"), refused);
    }
    EXPECT_EQ(intake_.sessions.size(), 1U);
}

TEST_F(SessionApi, SessionIsShownWithAllFields) {
    const session_id id = session_id::parse(name(1)).value();
    session_view view(id);
    view.status = session_status::connecting;
    view.mode = session_mode::ai_agent;
    view.provider = session_provider::twilio;
    view.since = api_time(1'776'159'394'250ms);
    view.since_low = view.since - 2s;
    view.created = view.since - 10s;
    view.last_poll = view.since + 5s;
    view.observed = true;
    view.failures = 3;
    view.not_found = true;
    view.last_error = failure_reason::timeout;
    intake_.sessions.emplace(id, view);
    const http_response response = ask_for("GET", all + "/" + name(1));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body_text(),
              R"({"id":")" + name(1)
                  + R"(","status":"connecting","mode":"ai_agent","provider":"twilio",)"
                    R"("since":"2026-04-14T09:36:34.250Z",)"
                    R"("since_not_before":"2026-04-14T09:36:32.250Z",)"
                    R"("created_at":"2026-04-14T09:36:24.250Z","started_at":null,"ended_at":null,)"
                    R"("last_poll":"2026-04-14T09:36:39.250Z","observed":true,"unverified":false,)"
                    R"("failed_polls":3,"not_found":true,"last_error":"timeout"})"
                    "\n");
    // HEAD is answered by the same handler; the server leaves the body out.
    EXPECT_EQ(ask_for("HEAD", all + "/" + name(1)).status, 200);
    EXPECT_EQ(ask_for("GET", all + "/" + name(2)).status, 404);
    EXPECT_EQ(error_of(ask_for("GET", all + "/" + name(2))), "not_tracked");
}

TEST_F(SessionApi, DeletedSessionIsNotTracked) {
    ask_for("PUT", all + "/" + name(1));
    const http_response gone = ask_for("DELETE", all + "/" + name(1));
    EXPECT_EQ(gone.status, 204);
    EXPECT_EQ(gone.body_text(), "");
    const http_response again = ask_for("DELETE", all + "/" + name(1));
    EXPECT_EQ(again.status, 404);
    EXPECT_EQ(error_of(again), "not_tracked");
}

TEST_F(SessionApi, BulkTracksManyIdsInOneCall) {
    ask_for("PUT", all + "/" + name(0));
    const http_response response = ask_for("POST", all, ids_body(session_api::max_ids));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body_text(), "{\"added\":9999,\"known\":1,\"rejected\":[]}\n");
    EXPECT_EQ(intake_.sessions.size(), 10'000U);
    const http_response too_many = ask_for("POST", all, ids_body(session_api::max_ids + 1));
    EXPECT_EQ(too_many.status, 400);
    EXPECT_EQ(error_of(too_many), "malformed");
    EXPECT_EQ(intake_.sessions.size(), 10'000U);
    EXPECT_EQ(ask_for("POST", all, R"({"ids":[]})").body_text(),
              "{\"added\":0,\"known\":0,\"rejected\":[]}\n");
}

TEST_F(SessionApi, BulkReportsInvalidIdsAndTracksTheOthers) {
    const http_response response =
        ask_for("POST", all, R"({"ids":["sess_good","bad id","","sess_good","sess_other","a/b"]})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body_text(),
              R"({"added":2,"known":1,"rejected":[{"id":"bad id","reason":"invalid_id"},)"
              R"({"id":"","reason":"invalid_id"},{"id":"a/b","reason":"invalid_id"}]})"
              "\n");
    EXPECT_EQ(rejected("invalid_id"), 3);
}

TEST_F(SessionApi, MalformedBulkIsRejected) {
    for (const char* body : {"",
                             "ids",
                             "[]",
                             "null",
                             "{}",
                             R"(["sess_a"])",
                             R"({"ids":"sess_a"})",
                             R"({"ids":null})",
                             R"({"ids":{"0":"sess_a"}})",
                             R"({"ids":["sess_a",7]})",
                             R"({"ids":["sess_a",null]})",
                             R"({"ids":["sess_a",["sess_b"]]})",
                             R"({"ids":["sess_a"],"more":1})",
                             R"({"IDS":["sess_a"]})",
                             R"({"ids":["sess_a"],"ids":["sess_b"]})",
                             R"({"ids":["sess_a"],"id\u0073":["sess_b"]})",
                             R"({"ids":["sess_a"]}x)",
                             R"({"ids":["sess_a",]})",
                             R"({"ids":["sess_a")",
                             "{\"ids\":[\"sess_\xFF\"]}",
                             R"({"ids":[[[[[[[[[["sess_a"]]]]]]]]]]})"}) {
        const http_response response = ask_for("POST", all, body);
        EXPECT_EQ(response.status, 400) << body;
        EXPECT_EQ(error_of(response), "malformed") << body;
    }
    EXPECT_EQ(ask_for("POST", all, std::string(1'000'000, '[')).status, 400);
    EXPECT_TRUE(intake_.sessions.empty());
}

TEST_F(SessionApi, FullTableAnswers507) {
    intake_.limit = 2;
    EXPECT_EQ(ask_for("PUT", all + "/" + name(0)).status, 201);
    const http_response some = ask_for("POST", all, ids_body(3));
    EXPECT_EQ(some.status, 200);
    EXPECT_EQ(some.body_text(),
              R"({"added":1,"known":1,"rejected":[{"id":")" + name(2)
                  + R"(","reason":"limit"}]})"
                    "\n");
    const http_response full = ask_for("PUT", all + "/" + name(2));
    EXPECT_EQ(full.status, 507);
    EXPECT_EQ(error_of(full), "session_limit");
    EXPECT_EQ(ask_for("PUT", all + "/" + name(1)).status, 200);
}

TEST_F(SessionApi, UnwritableStoreAnswers503WithRetryAfter) {
    ask_for("PUT", all + "/" + name(1));
    intake_.failure = errc::store_unavailable;
    for (const http_response& response : {ask_for("PUT", all + "/" + name(1)),
                                          ask_for("PUT", all + "/" + name(2)),
                                          ask_for("POST", all, ids_body(3)),
                                          ask_for("DELETE", all + "/" + name(1))}) {
        EXPECT_EQ(response.status, 503);
        EXPECT_EQ(error_of(response), "store_unavailable");
        EXPECT_EQ(field(response, "Retry-After"), "5");
    }
    // Reading needs no disk.
    EXPECT_EQ(ask_for("GET", all + "/" + name(1)).status, 200);
}

TEST_F(SessionApi, PagesFollowEachOther) {
    for (std::size_t i = 0; i < 25; ++i) {
        ask_for("PUT", all + "/" + name(i));
    }
    std::string after;
    std::vector<std::string> seen;
    for (int pages = 1;; ++pages) {
        const http_response response = ask_for("GET", all + "?limit=10&after=" + after);
        ASSERT_EQ(response.status, 200);
        const auto page = json_of(response);
        for (const auto& session : page.at("sessions").as_array()) {
            seen.emplace_back(session.at("id").as_string());
        }
        if (page.at("next").is_null()) {
            EXPECT_EQ(pages, 3);
            break;
        }
        after = std::string(page.at("next").as_string());
    }
    ASSERT_EQ(seen.size(), 25U);
    for (std::size_t i = 0; i < seen.size(); ++i) {
        EXPECT_EQ(seen[i], name(i));
    }
    EXPECT_EQ(ask_for("HEAD", all).status, 200);
}

TEST_F(SessionApi, QueryParametersReachTheIntake) {
    ask_for("GET", all + "?status=connecting&older_than=90s&limit=1000&after=ab.12.3");
    ASSERT_TRUE(intake_.asked);
    EXPECT_EQ(intake_.asked->status, session_status::connecting);
    EXPECT_EQ(intake_.asked->older_than, 90s);
    EXPECT_EQ(intake_.asked->limit, 1000U);
    EXPECT_EQ(intake_.asked->after, "ab.12.3");
}

TEST_F(SessionApi, InvalidQueryIsRejected) {
    for (const char* query : {"status=ringing", "limit=0", "limit=1001", "more=1"}) {
        const http_response response = ask_for("GET", all + "?" + query);
        EXPECT_EQ(response.status, 400) << query;
        EXPECT_EQ(error_of(response), "bad_query") << query;
        EXPECT_FALSE(intake_.asked) << query;
    }
    intake_.failure = errc::invalid_session_id;
    const http_response foreign = ask_for("GET", all + "?after=1.2.3");
    EXPECT_EQ(foreign.status, 400);
    EXPECT_EQ(error_of(foreign), "bad_query");
}

TEST_F(SessionApi, EveryCallRequiresTheToken) {
    ask_for("PUT", all + "/" + name(1));
    const std::string good(token);
    for (const std::string& given : {std::string(),
                                     std::string("Bearer"),
                                     std::string("Bearer "),
                                     "Basic " + good,
                                     good,
                                     "Bearer" + good,
                                     "Bearer  " + good,
                                     "Bearer " + good + " ",
                                     "Bearer " + good.substr(1),
                                     "Bearer " + good.substr(0, good.size() - 1),
                                     "Bearer " + good + good,
                                     "Bearer " + std::string(100'000, 'x')}) {
        for (const auto& [method, target] :
             {std::pair<const char*, std::string>{"PUT", all + "/" + name(1)},
              {"PUT", all + "/bad id"},
              {"GET", all + "/" + name(1)},
              {"HEAD", all + "/" + name(1)},
              {"DELETE", all + "/" + name(1)},
              {"POST", all},
              {"GET", all}}) {
            const http_response response =
                call(method, target, {{"Authorization", given}}, ids_body(2));
            EXPECT_EQ(response.status, 401) << method << given;
            EXPECT_EQ(error_of(response), "unauthorized");
            EXPECT_TRUE(field(response, "WWW-Authenticate").starts_with("Bearer"));
            EXPECT_EQ(response.body_text().find(good), std::string::npos);
        }
    }
    EXPECT_EQ(call("GET", all, {}, "").status, 401);
    EXPECT_EQ(intake_.sessions.size(), 1U);
    EXPECT_EQ(rejected("invalid_id"), 0);
}

TEST_F(SessionApi, SchemeIsCaseInsensitive) {
    for (const char* scheme : {"bearer ", "BEARER ", "Bearer "}) {
        EXPECT_EQ(call("GET", all, {{"authorization", scheme + std::string(token)}}, "").status,
                  200)
            << scheme;
    }
}

TEST_F(SessionApi, CallsAnswer503BeforeTheRestore) {
    ask_for("PUT", all + "/" + name(1));
    intake_.is_restored = false;
    for (const auto& [method, target] :
         {std::pair<const char*, std::string>{"PUT", all + "/" + name(1)},
          {"GET", all + "/" + name(1)},
          {"DELETE", all + "/" + name(1)},
          {"POST", all},
          {"GET", all}}) {
        const http_response response = ask_for(method, target, ids_body(2));
        EXPECT_EQ(response.status, 503) << method << target;
        EXPECT_EQ(error_of(response), "restoring");
        EXPECT_EQ(field(response, "Retry-After"), "5");
    }
    EXPECT_EQ(call("GET", all, {}, "").status, 401) << "that can be said at once";
    EXPECT_EQ(intake_.sessions.size(), 1U);
}

TEST_F(SessionApi, ChecksRequestsWithABearerToken) {
    const auto made = [](std::string path, std::string given) {
        http_request request;
        request.path = std::move(path);
        request.fields = {{"Authorization", std::move(given)}};
        return request;
    };
    const std::string good = "Bearer " + std::string(token);
    for (const std::string& path : {all, all + "/x", all + "/"}) {
        for (const std::string& given : {std::string("BEARER x"), good}) {
            EXPECT_TRUE(api_.checks(made(path, given))) << path;
        }
        EXPECT_FALSE(api_.checks(made(path, "Basic x"))) << path;
        EXPECT_FALSE(api_.refusal(made(path, good))) << path;
        for (const char* const given : {"", "Bearer x", "Basic x"}) {
            const auto refused = api_.refusal(made(path, given));
            ASSERT_TRUE(refused) << path << given;
            EXPECT_EQ(refused->status, 401);
        }
    }
    for (const char* path : {"/metrics", "/api/v1/other", "/api/v1/sessionsx", "/api/v1", "/"}) {
        EXPECT_FALSE(api_.checks(made(path, good))) << path;
        EXPECT_FALSE(api_.refusal(made(path, ""))) << path;
    }
    api_.use_token(secret());
    EXPECT_FALSE(api_.checks(made(all, good)));
    EXPECT_EQ(api_.refusal(made(all, good))->status, 404) << "it is off";
}

TEST_F(SessionApi, NewTokenReplacesTheOldOne) {
    api_.use_token(secret("another-token"));
    EXPECT_EQ(ask_for("GET", all).status, 401);
    EXPECT_EQ(call("GET", all, {{"Authorization", "Bearer another-token"}}, "").status, 200);
}

TEST_F(SessionApi, OtherMethodsAnswer405WithAllow) {
    for (const char* method : {"PUT", "DELETE", "PATCH"}) {
        const http_response response = ask_for(method, all);
        EXPECT_EQ(response.status, 405) << method;
        EXPECT_EQ(field(response, "Allow"), "GET, HEAD, OPTIONS, POST") << method;
    }
    for (const char* method : {"POST", "PATCH"}) {
        const http_response response = ask_for(method, all + "/" + name(1));
        EXPECT_EQ(response.status, 405) << method;
        EXPECT_EQ(field(response, "Allow"), "DELETE, GET, HEAD, OPTIONS, PUT") << method;
    }
}

TEST_F(SessionApi, EpisodesHaveAllTheirFields) {
    episode_view open(session_id::parse(name(1)).value());
    open.number = 12;
    open.status = session_status::connecting;
    open.mode = session_mode::ai_agent;
    open.provider = session_provider::twilio;
    open.threshold = 30s;
    open.since = api_time(1'776'159'394s);
    open.since_low = open.since - 2s;
    open.confirmed = open.since + 31s;
    intake_.episodes.push_back(open);
    intake_.next_episode = 12;
    intake_.dropped_episodes = 3;
    const auto body = json_of(ask_for("GET", "/api/v1/episodes?open=true&limit=1"));
    const auto& one = body.at("episodes").at(0);
    EXPECT_EQ(one.at("id").as_string(), name(1));
    EXPECT_EQ(one.at("status").as_string(), "connecting");
    EXPECT_EQ(one.at("threshold_seconds").as_double(), 30);
    EXPECT_EQ(one.at("from").as_string(), "2026-04-14T09:36:34.000Z");
    EXPECT_EQ(one.at("from_not_before").as_string(), "2026-04-14T09:36:32.000Z");
    EXPECT_EQ(one.at("confirmed").as_string(), "2026-04-14T09:37:05.000Z");
    EXPECT_TRUE(one.at("to").is_null());
    EXPECT_TRUE(one.at("to_not_before").is_null());
    EXPECT_EQ(one.at("outcome").as_string(), "open");
    EXPECT_EQ(one.at("mode").as_string(), "ai_agent");
    EXPECT_EQ(one.at("provider").as_string(), "twilio");
    EXPECT_EQ(body.at("next").to_number<unsigned>(), 12U);
    EXPECT_EQ(body.at("dropped").to_number<unsigned>(), 3U);
    EXPECT_EQ(intake_.asked_episodes.open, true);
    EXPECT_EQ(intake_.asked_episodes.limit, 1U);
}

TEST_F(SessionApi, EpisodesAreFilteredByQuery) {
    const std::string path = "/api/v1/episodes";
    EXPECT_EQ(
        ask_for("GET", path + "?open=false&since=2026-04-14T09:36:34Z&after=99&limit=1000").status,
        200);
    EXPECT_EQ(intake_.asked_episodes.open, false);
    EXPECT_EQ(intake_.asked_episodes.since, api_time(1'776'159'394s));
    EXPECT_EQ(intake_.asked_episodes.after, 99U);
    EXPECT_EQ(ask_for("GET", path + "?open=&since=&after=&limit=").status, 200);
    for (const char* query : {"?open=yes",
                              "?since=yesterday",
                              "?limit=1001",
                              "?limit=0",
                              "?after=x",
                              "?after=-1",
                              "?colour=red",
                              "?open",
                              "?open=true&open=true"}) {
        const http_response response = ask_for("GET", path + query);
        EXPECT_EQ(response.status, 400) << query;
        EXPECT_EQ(error_of(response), "bad_query") << query;
    }
}

TEST_F(SessionApi, EpisodesNeedTheToken) {
    EXPECT_EQ(call("GET", "/api/v1/episodes", {}, "").status, 401);
    EXPECT_EQ(ask_for("POST", "/api/v1/episodes").status, 405);
    api_.use_token({});
    EXPECT_EQ(ask_for("GET", "/api/v1/episodes").status, 404);
}

} // namespace
} // namespace kallglot
