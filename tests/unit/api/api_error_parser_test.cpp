#include "kallglot/api/api_error_parser.hpp"

#include "unit/api/allocations.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace kallglot {
namespace {

std::string sample(const std::string& name) {
    std::ifstream file(KALLGLOT_SOURCE_DIR "/tests/samples/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string with_code(const std::string& code) {
    return R"({"error":{"type":"permission_error","code":")" + code
           + R"(","message":"Some text for people.","param":null}})";
}

bool is_empty(const api_error& error) {
    return error.kind == api_error_kind::none && !error.retry_after;
}

TEST(ApiError, ReadsTheSamples) {
    const auto unauthorized = parse_api_error(sample("error_401.json"));
    EXPECT_EQ(unauthorized.kind, api_error_kind::other);
    EXPECT_FALSE(unauthorized.retry_after);
    EXPECT_EQ(parse_api_error(sample("error_404.json")).kind, api_error_kind::other);
    const auto throttled = parse_api_error(sample("error_429.json"));
    EXPECT_EQ(throttled.kind, api_error_kind::other);
    EXPECT_EQ(throttled.retry_after, seconds{17});
}

TEST(ApiError, CodesOfKeyAndOrganizationAreDistinguished) {
    for (const char* code : {"insufficient_permissions",
                             "organization_suspended",
                             "organization_inactive",
                             "feature_not_available",
                             "organization_of_the_future",
                             "permission_denied",
                             "missing_permission"}) {
        EXPECT_EQ(parse_api_error(with_code(code)).kind, api_error_kind::key) << code;
    }
    for (const char* code : {"session_not_found",
                             "insufficient_api_credits",
                             "",
                             "organization",
                             "feature_not_available_",
                             "rate_limit_exceeded"}) {
        EXPECT_EQ(parse_api_error(with_code(code)).kind, api_error_kind::other) << code;
    }
    EXPECT_EQ(parse_api_error(with_code(std::string(200, 'x'))).kind, api_error_kind::other);
}

TEST(ApiError, CodeMayBeWrittenWithEscapes) {
    EXPECT_EQ(parse_api_error(with_code(R"(organi\u007aation_suspended)")).kind,
              api_error_kind::key);
    EXPECT_EQ(parse_api_error(R"({"\u0065rror":{"c\u006fde":"permission_denied"}})").kind,
              api_error_kind::key);
}

TEST(ApiError, RetryAfterIsRoundedUpAndBounded) {
    const auto retry_after = [](const std::string& number) {
        return parse_api_error(R"({"error":{"retry_after":)" + number + "}}").retry_after;
    };
    EXPECT_EQ(retry_after("0"), seconds{0});
    EXPECT_EQ(retry_after("17"), seconds{17});
    EXPECT_EQ(retry_after("7.5"), seconds{8});
    EXPECT_EQ(retry_after("2e1"), seconds{20});
    EXPECT_EQ(retry_after("18446744073709551615"), seconds{316'224'000});
    EXPECT_EQ(retry_after("123456789012345678901234567890"), seconds{316'224'000});
    for (const char* text :
         {"-1", "-0.5", "1e999", "1e-1000000000", "null", "true", "\"17\"", "[17]", "{}"}) {
        EXPECT_FALSE(retry_after(text)) << text;
    }
}

TEST(ApiError, OnlyTheFieldsOfTheErrorObjectCount) {
    for (const char* body : {R"({"code":"permission_denied","retry_after":5})",
                             R"({"error":"permission_denied"})",
                             R"({"error":null})",
                             R"({"error":["code","permission_denied"]})",
                             R"({"error":[{"code":"permission_denied","retry_after":5}]})",
                             R"({"error":{"param":{"code":"permission_denied","retry_after":5}}})",
                             R"({"other":{"code":"permission_denied","retry_after":5}})",
                             R"({"error":{},"x":{"code":"permission_denied","retry_after":5}})",
                             R"([{"error":{"code":"permission_denied","retry_after":5}}])",
                             R"({"error":{"code":42,"retry_after":"5"}})",
                             "\"error\"",
                             "42",
                             "null",
                             "[]",
                             "{}"}) {
        EXPECT_TRUE(is_empty(parse_api_error(body))) << body;
    }
}

TEST(ApiError, ValueAfterANestedObjectIsStillRead) {
    const auto error = parse_api_error(
        R"({"meta":{"a":[1,{"error":{}}]},"error":{"param":{"code":[1]},"retry_after":5,)"
        R"("code":"organization_suspended"}})");
    EXPECT_EQ(error.kind, api_error_kind::key);
    EXPECT_EQ(error.retry_after, seconds{5});
}

TEST(ApiError, BodyThatCannotBeReadSaysNothing) {
    const std::string good = with_code("permission_denied");
    ASSERT_EQ(parse_api_error(good).kind, api_error_kind::key);
    EXPECT_TRUE(is_empty(parse_api_error("")));
    EXPECT_TRUE(is_empty(parse_api_error("<html><body>502 Bad Gateway</body></html>")));
    EXPECT_TRUE(is_empty(parse_api_error(good + "x")));
    EXPECT_TRUE(is_empty(parse_api_error("\xEF\xBB\xBF" + good)));
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_TRUE(is_empty(parse_api_error(good.substr(0, length)))) << length;
    }
}

TEST(ApiError, DepthAndSizeAreBounded) {
    const auto nested = [](std::size_t arrays) {
        return R"({"x":)" + std::string(arrays, '[') + std::string(arrays, ']')
               + R"(,"error":{"code":"permission_denied"}})";
    };
    EXPECT_EQ(parse_api_error(nested(15)).kind, api_error_kind::key);
    EXPECT_TRUE(is_empty(parse_api_error(nested(16))));

    std::string body = with_code("permission_denied");
    body.append(16 * 1024 - body.size(), ' ');
    EXPECT_EQ(parse_api_error(body).kind, api_error_kind::key);
    EXPECT_TRUE(is_empty(parse_api_error(body + " ")));
}

TEST(ApiError, ReadsWithoutAllocation) {
    const std::string body = sample("error_429.json");
    const std::size_t before = test::allocation_count();
    const auto error = parse_api_error(body);
    EXPECT_EQ(test::allocation_count(), before);
    EXPECT_EQ(error.retry_after, seconds{17});
}

} // namespace
} // namespace kallglot
