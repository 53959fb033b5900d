#include "store/postgresql/pg_fault.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kallglot {
namespace {

TEST(PgSqlstate, AcceptsFiveDigitsAndCapitals) {
    EXPECT_EQ(pg_sqlstate("25006").text(), "25006");
    EXPECT_EQ(pg_sqlstate("57P01").text(), "57P01");
    // What a server sends in its place must not reach a log line.
    for (const std::string_view text :
         {"", "2500", "250066", "2500\n", "25 06", "abcde", "25006\"} forged=1"}) {
        EXPECT_EQ(pg_sqlstate(text).text(), "") << text;
    }
}

struct opening_sample {
    pg_phase phase;
    std::string_view message;
    pg_fault_kind kind;
    std::string_view code;
};

class PgFaultOfOpening : public ::testing::TestWithParam<opening_sample> {};

TEST_P(PgFaultOfOpening, IsKnownFromPhaseCodeAndWords) {
    const opening_sample& sample = GetParam();
    const pg_fault fault = fault_of_opening(sample.phase, sample.message);
    EXPECT_EQ(describe(fault.kind), describe(sample.kind)) << sample.message;
    EXPECT_EQ(fault.sqlstate.text(), sample.code) << sample.message;
    EXPECT_FALSE(fault.outcome_unknown);
}

using enum pg_phase;
using kind = pg_fault_kind;

INSTANTIATE_TEST_SUITE_P(
    Messages,
    PgFaultOfOpening,
    ::testing::Values(
        opening_sample{connecting,
                       "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n",
                       kind::unreachable,
                       ""},
        opening_sample{
            connecting,
            "connection to server on socket \"/x/.s.PGSQL.1\" failed: No such file or directory\n",
            kind::unreachable,
            ""},
        opening_sample{securing,
                       "server does not support SSL, but SSL was required\n",
                       kind::untrusted,
                       ""},
        opening_sample{securing, "SSL error: certificate verify failed\n", kind::untrusted, ""},
        opening_sample{securing,
                       "server certificate for \"other\" does not match host name \"db\"\n",
                       kind::untrusted,
                       ""},
        opening_sample{securing,
                       "private key file \"/k\" has group or world access\n",
                       kind::login_refused,
                       ""},
        opening_sample{securing, "SSL SYSCALL error: EOF detected\n", kind::untrusted, ""},
        opening_sample{securing,
                       "received invalid response to SSL negotiation: x\n",
                       kind::untrusted,
                       ""},
        opening_sample{logging_in, "failed: FATAL:  28P01\n", kind::login_refused, "28P01"},
        opening_sample{logging_in, "failed: FATAL:  3D000\n", kind::unsuitable, "3D000"},
        opening_sample{logging_in, "failed: FATAL:  53300\n", kind::unavailable, "53300"},
        opening_sample{logging_in, "failed: FATAL:  57P03\n", kind::unavailable, "57P03"},
        opening_sample{logging_in, "failed: SCHWERWIEGEND:  57P03\n", kind::unavailable, "57P03"},
        opening_sample{logging_in,
                       "failed: fe_sendauth: no password supplied\n",
                       kind::login_refused,
                       ""},
        opening_sample{logging_in,
                       "Kerberos 5 authentication not supported\n",
                       kind::login_refused,
                       ""},
        opening_sample{logging_in,
                       "GSSAPI continuation error: No credentials were supplied\n",
                       kind::login_refused,
                       ""},
        opening_sample{logging_in,
                       "none of the server's SASL authentication mechanisms are supported\n",
                       kind::login_refused,
                       ""},
        opening_sample{logging_in, "server closed the connection unexpectedly\n", kind::lost, ""},
        opening_sample{logging_in,
                       "expected authentication request from server, but received X\n",
                       kind::malformed,
                       ""},
        opening_sample{logging_in, "", kind::malformed, ""}));

TEST(PgFault, ServersThatStopEndTheConnection) {
    for (const std::string_view code : {"25006", "57P01", "57P02", "57P03", "57P04"}) {
        EXPECT_TRUE(ends_connection(pg_sqlstate(code))) << code;
    }
    for (const std::string_view code : {"40001", "40P01", "55P03", "23505", "57014", ""}) {
        EXPECT_FALSE(ends_connection(pg_sqlstate(code))) << code;
    }
}

} // namespace
} // namespace kallglot
