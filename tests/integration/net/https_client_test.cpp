// The client against a real server on 127.0.0.1: the ways of an ordinary day.

#include "client_fixture.hpp"

namespace kallglot::test {

namespace {

const std::string first_id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";
const std::string second_id = "sess_zyxwvutsrqponmlkjihgfedcba9876543210";

script always_good() {
    return {.steps = {{step::kind::request}, good_answer()}, .repeat = true};
}

} // namespace

TEST_F(HttpsClient, GetsASessionOverTls) {
    serve({always_good()});
    start_client();

    const api_answer& got = ask_and_wait(first_id);

    EXPECT_FALSE(got.error) << got.error.message() << got.detail;
    EXPECT_EQ(got.http_status, 200);
    EXPECT_EQ(got.snapshot.status, session_status::active);
    EXPECT_TRUE(got.headers.date.has_value());
    EXPECT_LT(got.sent, got.received);
    ASSERT_EQ(server_->requests(), 1U);
    const std::string& request = server_->connections().front().requests.front();
    EXPECT_EQ(request,
              "GET /v1/sessions/" + first_id + " HTTP/1.1\r\nHost: "
                  + settings_.base_url.host_header
                  + "\r\nUser-Agent: kallglot_exporter/test\r\nAccept: application/json\r\n"
                    "Accept-Encoding: identity\r\nAuthorization: Bearer "
                  + std::string(api_key) + "\r\n\r\n");
}

TEST_F(HttpsClient, KeepsTheConnectionForTheNextRequest) {
    serve({always_good()});
    start_client();
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(ask_and_wait(i % 2 == 0 ? first_id : second_id).error);
    }
    EXPECT_EQ(server_->connections().size(), 1U);
    EXPECT_EQ(client_->connections().opened_total, 1U);
    EXPECT_EQ(client_->connections().idle, 1U);
}

} // namespace kallglot::test
