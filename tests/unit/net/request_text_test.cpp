#include "net/client/request_text.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {

TEST(RequestText, DiffersOnlyInTheId) {
    const secret key("kg_live_0123456789abcdefghijklmnopqrstuvwxyz");
    request_text text(api_endpoint(), "kallglot_exporter/1.2.3", key);
    const std::string rest =
        " HTTP/1.1\r\nHost: api.kallglot.com\r\nUser-Agent: kallglot_exporter/1.2.3\r\n"
        "Accept: application/json\r\nAccept-Encoding: identity\r\n"
        "Cache-Control: no-cache, no-store\r\n"
        "Authorization: Bearer kg_live_0123456789abcdefghijklmnopqrstuvwxyz\r\n\r\n";
    for (const std::string& id :
         {std::string(64, 'L'), std::string("s"), std::string("sess_0123456789-abc")}) {
        EXPECT_EQ(text.render(*session_id::parse(id)), "GET /v1/sessions/" + id + rest);
    }
}

TEST(RequestText, TheFieldsForHttp2SayTheSame) {
    const secret key("kg_live_0123456789abcdefghijklmnopqrstuvwxyz");
    request_text text(api_endpoint(), "kallglot_exporter/1.2.3", key);
    for (const std::string& id : {std::string(64, 'L'), std::string("s")}) {
        std::string all;
        for (const request_field& field : text.fields(*session_id::parse(id))) {
            all.append(field.name).append("=").append(field.value).append("\n");
            EXPECT_EQ(field.secret, field.name == "authorization");
        }
        EXPECT_EQ(all,
                  ":method=GET\n:scheme=https\n:authority=api.kallglot.com\n:path=/v1/sessions/" + id
                      + "\nuser-agent=kallglot_exporter/1.2.3\naccept=application/json\n"
                        "accept-encoding=identity\ncache-control=no-cache, no-store\n"
                        "authorization=Bearer kg_live_0123456789abcdefghijklmnopqrstuvwxyz\n");
    }
}

TEST(RequestText, AcceptsKeysThatAreAllowedInAHeader) {
    EXPECT_TRUE(request_text::acceptable("kg_live_!~"));
    for (const std::string_view key :
         {"", "two words", "line\r\nX-Injected: 1", "tab\t", "umlaut\xc3\xa4", "del\x7f"}) {
        EXPECT_FALSE(request_text::acceptable(key)) << key;
    }
    EXPECT_TRUE(request_text::acceptable(std::string(4096, 'k')));
    EXPECT_FALSE(request_text::acceptable(std::string(4097, 'k')));
}

} // namespace kallglot::test
