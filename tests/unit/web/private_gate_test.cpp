// The gate of the private listener: credentials, throttling by network, and what is counted and logged.

#include "kallglot/web/private_gate.hpp"

#include "route_fixture.hpp"
#include "support/kept_log.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

// Of "right", made with: htpasswd -nbBC 4
const std::string hash_of_right = "$2y$04$eRxeQxfqISlslmFSV/lkS.Jj24FXGU0KyjQVb9dcLSZCrXHdUjl4G";
constexpr std::string_view token = "token-of-the-session-api-of-some-length";

class PrivateGate : public test::RouteFixture {
protected:
    ~PrivateGate() override { EXPECT_TRUE(gate_.stop_worker(std::chrono::seconds(10))); }

    static task<> admit(private_gate* gate,
                        const http_request* request,
                        std::optional<http_response>* into) {
        std::optional<http_response> refused = co_await gate->admit(request);
        *into = std::move(refused);
    }

    /// The response of the gate; status 0 if the request may go on.
    http_response ask(const std::string& path,
                      const std::string& authorization,
                      std::uint64_t from = 1) {
        http_request request;
        request.method = "GET";
        request.path = path;
        request.client.network.prefix = from;
        if (!authorization.empty()) {
            request.fields.emplace_back("Authorization", authorization);
        }
        std::optional<http_response> refused;
        EXPECT_TRUE(loop_.run(admit(&gate_, &request, &refused)));
        http_response none;
        none.status = 0;
        return refused.value_or(none);
    }

    [[nodiscard]] double refused(std::string_view reason) const {
        return metric("kallglot_exporter_refused_logins_total", reason);
    }

    test::kept_log log_;
    session_api api_{intake_, metrics_, secret(token)};
    private_gate gate_{loop_.executor(), api_, std::nullopt, metrics_, clock_, log_};
};

const std::string sessions = "/api/v1/sessions";

TEST_F(PrivateGate, WrongPasswordsAreCountedAndLoggedOnceAMinute) {
    gate_.use({{"alice", hash_of_right}}, std::nullopt);
    EXPECT_EQ(ask("/metrics", "Basic YWxpY2U6cmlnaHQ=").status, 0);
    for (int i = 0; i < 5; ++i) {
        const http_response response = ask("/metrics", "Basic YWxpY2U6d3Jvbmc=");
        EXPECT_EQ(response.status, 401);
        EXPECT_EQ(field(response, "WWW-Authenticate"), "Basic");
    }
    EXPECT_EQ(refused("password"), 5);
    EXPECT_EQ(refused("token"), 0);
    EXPECT_EQ(log_.take(),
              std::vector<std::string>{"warn login refused: the client gets no page "
                                       "listener=private reason=password count=1"});
    clock_.advance(1min);
    EXPECT_EQ(ask("/metrics", "").status, 401);
    EXPECT_EQ(log_.take(),
              std::vector<std::string>{"warn login refused: the client gets no page "
                                       "listener=private reason=password count=5"});
}

TEST_F(PrivateGate, ProbesNeedNothing) {
    gate_.use({{"alice", hash_of_right}}, request_rate{1h, 1});
    for (const char* path : {"/-/healthy", "/-/ready", "/-/healthy", "/-/ready"}) {
        EXPECT_EQ(ask(path, "").status, 0) << path;
    }
}

TEST_F(PrivateGate, WrongTokensOfOneNetworkAreThrottled) {
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(ask(sessions, "Bearer wrong" + std::to_string(i)).status, 401) << i;
    }
    const http_response throttled = ask(sessions, "Bearer wrong");
    EXPECT_EQ(throttled.status, 429);
    EXPECT_EQ(field(throttled, "Retry-After"), "1");
    EXPECT_EQ(error_of(throttled), "too_many_requests");
    EXPECT_EQ(refused("token"), 11);
    // Other networks are not affected, and neither is the right token.
    EXPECT_EQ(ask(sessions, "Bearer wrong", 2).status, 401);
    EXPECT_EQ(ask(sessions, "Bearer " + std::string(token)).status, 0);
    clock_.advance(1s);
    EXPECT_EQ(ask(sessions, "Bearer wrong").status, 401);
    EXPECT_EQ(log_.lines.size(), 1U);
}

TEST_F(PrivateGate, WrongPasswordsDoNotThrottleTokens) {
    gate_.use({{"alice", hash_of_right}}, std::nullopt);
    for (int i = 0; i < 12; ++i) {
        EXPECT_EQ(ask("/metrics", "Basic YWxpY2U6d3Jvbmc=").status, 401);
    }
    EXPECT_EQ(ask(sessions, "Bearer wrong").status, 401);
}

TEST_F(PrivateGate, APasswordIsNoToken) {
    gate_.use({{"alice", hash_of_right}}, std::nullopt);
    const http_response response = ask(sessions, "Basic YWxpY2U6cmlnaHQ=");
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(error_of(response), "unauthorized");
    EXPECT_EQ(refused("token"), 1);
    EXPECT_EQ(ask("/metrics", "Bearer " + std::string(token)).status, 401);
    EXPECT_EQ(refused("password"), 1);
    EXPECT_EQ(ask(sessions, "Bearer " + std::string(token)).status, 0);
}

TEST_F(PrivateGate, ErrorsOfTheSessionApiAreJson) {
    gate_.use({{"alice", hash_of_right}}, request_rate{1h, 1});
    EXPECT_EQ(error_of(ask("/api/v1/nothing", "")), "unauthorized");
    EXPECT_EQ(error_of(ask("/api/v1/nothing", "")), "too_many_requests");
    EXPECT_EQ(ask("/metrics", "").content_type, "text/plain; charset=utf-8");
}

TEST_F(PrivateGate, AForeignHostIsRefusedBeforeTheLogin) {
    gate_.use({{"alice", hash_of_right}}, std::nullopt);
    http_request request;
    request.method = "GET";
    request.path = "/metrics";
    request.client.on_loopback = true;
    request.fields = {{"Host", "rebind.evil.example"}};
    std::optional<http_response> refusal;
    EXPECT_TRUE(loop_.run(admit(&gate_, &request, &refusal)));
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, 421);
    EXPECT_EQ(refused("password"), 0);
    request.method = "POST";
    request.path = "/-/reload";
    request.fields = {{"Host", "127.0.0.1"}, {"Origin", "https://evil.example"}};
    EXPECT_TRUE(loop_.run(admit(&gate_, &request, &refusal)));
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, 403);
}

TEST_F(PrivateGate, EveryReasonExistsFromTheStart) {
    for (const auto& each : login_refusal_words) {
        EXPECT_EQ(refused(each.text), 0) << each.text;
    }
}

} // namespace
} // namespace kallglot
