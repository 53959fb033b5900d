#include "kallglot/config/addresses.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kallglot::config {
namespace {

TEST(Addresses, BaseUrlIsParsed) {
    const auto url = parse_base_url("https://API.kallglot.com:8443/v1/");
    ASSERT_TRUE(url) << url.error();
    EXPECT_EQ(url->host, "api.kallglot.com");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->host_header, "api.kallglot.com:8443");
    EXPECT_EQ(url->path_prefix, "/v1");
    EXPECT_TRUE(url->tls);
}

TEST(Addresses, DefaultEndpointEqualsItsParsedText) {
    const api_endpoint defaults;
    const auto url = parse_base_url(defaults.text);
    ASSERT_TRUE(url) << url.error();
    EXPECT_EQ(*url, defaults);
}

TEST(Addresses, BaseUrlsWithIpAddressesGiveTheHostHeader) {
    const auto v6 = parse_base_url("http://[::1]:8080");
    ASSERT_TRUE(v6) << v6.error();
    EXPECT_EQ(v6->host, "::1");
    EXPECT_EQ(v6->host_header, "[::1]:8080");
    EXPECT_EQ(v6->path_prefix, "");
    EXPECT_FALSE(v6->tls);
    const auto v4 = parse_base_url("https://127.0.0.1/");
    ASSERT_TRUE(v4) << v4.error();
    EXPECT_EQ(v4->host_header, "127.0.0.1");
    EXPECT_EQ(v4->port, 443);
}

TEST(Addresses, DotAtTheEndIsForTheDnsAlone) {
    const auto url = parse_base_url("https://API.kallglot.com.:8443/v1");
    ASSERT_TRUE(url) << url.error();
    EXPECT_EQ(url->host, "api.kallglot.com");
    EXPECT_EQ(url->host_header, "api.kallglot.com:8443");
    EXPECT_EQ(url->lookup_host(), "api.kallglot.com.");
    EXPECT_NE(*url, *parse_base_url("https://API.kallglot.com:8443/v1"));
    // The name server knows no localhost; /etc/hosts knows it without the dot.
    const auto local = parse_base_url("http://localhost.:8080");
    ASSERT_TRUE(local) << local.error();
    EXPECT_EQ(local->lookup_host(), "localhost");
    EXPECT_TRUE(is_loopback(local->host));
    EXPECT_EQ(parse_proxy_url("http://proxy.example.:3128")->host, "proxy.example.");
    EXPECT_EQ(parse_listen_address("exporter.example.:10455")->host, "exporter.example.");
}

TEST(Addresses, InvalidBaseUrlsAreRejected) {
    const std::vector<std::string> cases = {"",
                                            "api.kallglot.com",
                                            "ftp://host/",
                                            "https://",
                                            "https:///v1",
                                            "https://user:pass@host/",
                                            "https://host/?q",
                                            "https://host/#f",
                                            "https://host:0/",
                                            "https://host:65536/",
                                            "https://host:/",
                                            "https://host:x/",
                                            "https://ho st/",
                                            "https://[::1",
                                            "https://[zz]/",
                                            "https://::1/",
                                            "https://-host/",
                                            "https://host-/",
                                            "https://a..b/",
                                            "https://1.2.3.999/",
                                            "https://1.2.3/",
                                            "https://host/a b",
                                            "https://host/\"",
                                            "https://[::1]x/",
                                            "https://host../",
                                            "https://./",
                                            "https://1.2.3.4./",
                                            "https://[::1]./"};
    for (const auto& text : cases) {
        EXPECT_FALSE(parse_base_url(text)) << text;
    }
}

TEST(Addresses, ErrorsDoNotRepeatCredentials) {
    const auto url = parse_base_url("https://user:canary-4711@host/");
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().find("canary"), std::string::npos);
    const auto proxy = parse_proxy_url("http://user:canary-4711@host:3128");
    ASSERT_FALSE(proxy);
    EXPECT_EQ(proxy.error().find("canary"), std::string::npos);
}

TEST(Addresses, ProxyRequiresAPort) {
    const auto proxy = parse_proxy_url("http://proxy.example.net:3128/");
    ASSERT_TRUE(proxy) << proxy.error();
    EXPECT_EQ(proxy->host, "proxy.example.net");
    EXPECT_EQ(proxy->port, 3128);
    for (const std::string text : {"http://proxy",
                                   "https://proxy:1",
                                   "socks5://proxy:1",
                                   "proxy:1",
                                   "http://:1",
                                   "http://p:1/x"}) {
        EXPECT_FALSE(parse_proxy_url(text)) << text;
    }
}

TEST(Addresses, ListenAddressesComeInThreeForms) {
    const auto v4 = parse_listen_address("127.0.0.1:10455");
    ASSERT_TRUE(v4) << v4.error();
    EXPECT_EQ(v4->host, "127.0.0.1");
    EXPECT_EQ(v4->port, 10455);
    const auto any = parse_listen_address(":0");
    ASSERT_TRUE(any) << any.error();
    EXPECT_EQ(any->host, "");
    EXPECT_EQ(any->port, 0);
    const auto v6 = parse_listen_address("[::1]:10456");
    ASSERT_TRUE(v6) << v6.error();
    EXPECT_EQ(v6->host, "::1");
    for (const std::string text : {"",
                                   "127.0.0.1",
                                   "::1:80",
                                   "[::1]",
                                   "1.2.3.4:65536",
                                   "host:",
                                   "1.2.3:80",
                                   "a b:1",
                                   "host:1x"}) {
        EXPECT_FALSE(parse_listen_address(text)) << text;
    }
}

TEST(Addresses, LoopbackIsKnownByAddress) {
    for (const std::string host :
         {"localhost", "127.0.0.1", "127.255.0.9", "::1", "0:0:0:0:0:0:0:1"}) {
        EXPECT_TRUE(is_loopback(host)) << host;
    }
    for (const std::string host :
         {"localhost.example.net", "128.0.0.1", "::2", "0.0.0.0", "::", "", "127.0.0.1.nip.io"}) {
        EXPECT_FALSE(is_loopback(host)) << host;
    }
}

} // namespace
} // namespace kallglot::config
