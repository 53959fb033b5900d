#include "kallglot/base/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace kallglot {
namespace {

constexpr int first_value = static_cast<int>(errc::name_not_resolved);
constexpr int last_value = static_cast<int>(errc::cancelled);

TEST(ErrorCategory, EveryValueHasAMessageOfItsOwn) {
    std::set<std::string> messages;
    for (int value = first_value; value <= last_value; ++value) {
        const error_code code = static_cast<errc>(value);
        EXPECT_NE(code.message(), "unknown error") << value;
        EXPECT_TRUE(messages.insert(code.message()).second) << code.message();
        EXPECT_TRUE(code.failed());
    }
    EXPECT_EQ(messages.size(), 32U);
}

TEST(ErrorCategory, ValuesOutsideTheEnumerationAreUnknown) {
    EXPECT_EQ(error_code(last_value + 1, category()).message(), "unknown error");
    EXPECT_EQ(error_code(0, category()).message(), "unknown error");
}

TEST(ErrorCategory, MessageWithoutAllocationIsTheSame) {
    const error_code code = errc::handshake_timeout;
    char buffer[4] = {};
    EXPECT_EQ(code.message(), code.message(buffer, sizeof buffer));
    EXPECT_EQ(code.message(), "TLS handshake timeout");
}

TEST(ErrorCategory, IsNamedAfterTheProductAndComparesByIdentity) {
    const error_code code = errc::wrong_session;
    EXPECT_STREQ(code.category().name(), "kallglot");
    EXPECT_EQ(code, errc::wrong_session);
    EXPECT_NE(code, errc::invalid_session);
    EXPECT_NE(code, error_code(code.value(), boost::system::generic_category()));
}

TEST(ErrorCategory, ResultCarriesTheValueOrTheError) {
    const result<int> good = 31;
    const result<int> bad = errc::request_timeout;
    EXPECT_EQ(good.value(), 31);
    EXPECT_EQ(bad.error(), errc::request_timeout);
}

TEST(FailureReason, EveryReasonHasALabelOfItsOwn) {
    std::set<std::string_view> labels;
    for (std::size_t i = 0; i < failure_reason_count; ++i) {
        labels.insert(to_string(static_cast<failure_reason>(i)));
    }
    const std::set<std::string_view> expected{"dns",
                                              "connect",
                                              "tls",
                                              "timeout",
                                              "reset",
                                              "throttled",
                                              "unauthorized",
                                              "credits",
                                              "server",
                                              "redirect",
                                              "body",
                                              "not_found",
                                              "other"};
    EXPECT_EQ(labels, expected);
}

TEST(FailureReason, EveryErrorHasTheReasonThatPolicyExpects) {
    const std::pair<errc, failure_reason> table[] = {
        {errc::name_not_resolved, failure_reason::dns},
        {errc::resolve_timeout, failure_reason::dns},
        {errc::connect_refused, failure_reason::connect},
        {errc::connect_timeout, failure_reason::timeout},
        {errc::network_unreachable, failure_reason::connect},
        {errc::connect_failed, failure_reason::connect},
        {errc::no_descriptors, failure_reason::connect},
        {errc::proxy_refused, failure_reason::connect},
        {errc::handshake_timeout, failure_reason::timeout},
        {errc::tls_failed, failure_reason::tls},
        {errc::certificate_rejected, failure_reason::tls},
        {errc::http2_unavailable, failure_reason::tls},
        {errc::request_timeout, failure_reason::timeout},
        {errc::connection_reset, failure_reason::reset},
        {errc::connection_closed, failure_reason::reset},
        {errc::reused_connection_closed, failure_reason::reset},
        {errc::malformed_response, failure_reason::body},
        {errc::unsolicited_data, failure_reason::body},
        {errc::header_too_large, failure_reason::body},
        {errc::response_too_large, failure_reason::body},
        {errc::encoded_response, failure_reason::body},
        {errc::foreign_content, failure_reason::body},
        {errc::stream_reset, failure_reason::reset},
        {errc::malformed_json, failure_reason::body},
        {errc::invalid_session, failure_reason::body},
        {errc::wrong_session, failure_reason::body},
        {errc::invalid_session_id, failure_reason::other},
        {errc::invalid_event, failure_reason::other},
        {errc::session_limit, failure_reason::other},
        {errc::store_unavailable, failure_reason::other},
        {errc::memory_short, failure_reason::other},
    };
    // All of them but `cancelled`, which has no reason.
    EXPECT_EQ(std::size(table), static_cast<std::size_t>(last_value - first_value));
    for (const auto& [error, reason] : table) {
        EXPECT_EQ(to_string(classify(error)), to_string(reason))
            << make_error_code(error).message();
    }
}

TEST(FailureReasonDeathTest, CancelledMustNotBeClassified) {
    EXPECT_DEATH(static_cast<void>(classify(errc::cancelled)), "cancelled");
}

TEST(FailureReason, EveryHttpStatusHasTheReasonThatPolicyExpects) {
    for (int status = 100; status < 600; ++status) {
        auto expected = failure_reason::other;
        if (status == 401 || status == 403) {
            expected = failure_reason::unauthorized;
        } else if (status == 402) {
            expected = failure_reason::credits;
        } else if (status == 404 || status == 410) {
            expected = failure_reason::not_found;
        } else if (status == 429) {
            expected = failure_reason::throttled;
        } else if (status / 100 == 3) {
            expected = failure_reason::redirect;
        } else if (status / 100 == 5) {
            expected = failure_reason::server;
        }
        EXPECT_EQ(classify_status(status), expected) << status;
    }
    for (const int nonsense : {-1, 0, 99, 600, 999, 100000}) {
        EXPECT_EQ(classify_status(nonsense), failure_reason::other) << nonsense;
    }
}

} // namespace
} // namespace kallglot
