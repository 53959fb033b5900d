#include "net/client/connect_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {

namespace {

api_settings behind_a_proxy(const std::string& user = "") {
    api_settings settings;
    settings.proxy_url = proxy_endpoint{"http://proxy.example:3128", "proxy.example", 3128};
    settings.proxy_user = user;
    return settings;
}

} // namespace

TEST(ConnectRequest, IsEmptyWithoutAProxy) {
    EXPECT_TRUE(connect_request({}, secret("unused-password")).empty());
}

TEST(ConnectRequest, NamesTheTargetAlone) {
    EXPECT_EQ(connect_request(behind_a_proxy(), {}).reveal(),
              "CONNECT api.kallglot.com:443 HTTP/1.1\r\nHost: api.kallglot.com:443\r\n\r\n");
}

TEST(ConnectRequest, PutsAnIpv6AddressIntoBrackets) {
    api_settings settings = behind_a_proxy();
    settings.base_url.host = "::1";
    settings.base_url.port = 8443;
    EXPECT_EQ(connect_request(settings, {}).reveal(),
              "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n");
}

// The examples of RFC 7617, sections 2 and 2.1.
TEST(ConnectRequest, LogsInWithBasic) {
    const secret plain = connect_request(behind_a_proxy("Aladdin"), secret("open sesame"));
    EXPECT_TRUE(plain.reveal().ends_with(
        "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
    const secret unicode = connect_request(behind_a_proxy("test"), secret("123\xC2\xA3"));
    EXPECT_TRUE(unicode.reveal().ends_with("Basic dGVzdDoxMjPCow==\r\n\r\n"));
}

TEST(ConnectRequest, LongestLoginFits) {
    const secret password(std::string(4096, 'p'));
    const secret text = connect_request(behind_a_proxy(std::string(256, 'u')), password);
    EXPECT_TRUE(text.reveal().ends_with("\r\n\r\n"));
    EXPECT_GT(text.reveal().size(), 5800U);
}

} // namespace kallglot
