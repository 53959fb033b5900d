#include "kallglot/net/server/http_server_types.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace kallglot {
namespace {

TEST(HttpDate, IsInTheFixedForm) {
    EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_http_date(1709164799), "Wed, 28 Feb 2024 23:59:59 GMT");
    EXPECT_EQ(format_http_date(1709164800), "Thu, 29 Feb 2024 00:00:00 GMT");
}

TEST(HttpResponseHead, HasLengthTypeAndConnection) {
    http_response response = make_text_response(503, "starting up, which takes a while");
    response.fields.emplace_back("Retry-After", "5");
    EXPECT_EQ(serialize_head(response, 784111777, false),
              "HTTP/1.1 503 Service Unavailable\r\n"
              "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Length: 33\r\n"
              "X-Content-Type-Options: nosniff\r\n"
              "Retry-After: 5\r\n"
              "Connection: close\r\n"
              "\r\n");
}

TEST(HttpResponseHead, HasNoLengthWithoutABody) {
    http_response response;
    response.status = 204;
    EXPECT_EQ(serialize_head(response, 0, true),
              "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: "
              "keep-alive\r\n\r\n");
}

TEST(HttpResponse, ReturnsAnOwnAndASharedBody) {
    http_response response;
    response.body = std::string("a body of its own, longer than thirty-two bytes");
    EXPECT_EQ(response.body_text(), "a body of its own, longer than thirty-two bytes");
    response.body = std::make_shared<const std::string>("a body that several answers share");
    EXPECT_EQ(response.body_text(), "a body that several answers share");
    response.body = std::shared_ptr<const std::string>();
    EXPECT_EQ(response.body_text(), "");
}

TEST(HttpRequest, FindsFieldsIgnoringCase) {
    http_request request;
    request.fields = {{"Accept", "first"}, {"accept", "second"}};
    EXPECT_EQ(request.field("ACCEPT"), "first");
    EXPECT_EQ(request.field("Accept-Encoding"), "");
}

} // namespace
} // namespace kallglot
