#include "store/postgresql/pg_keywords.hpp"

#include "store/postgresql/pg_environment.hpp"

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace kallglot {
namespace {

pg_login full_login() {
    pg_login login;
    login.database = "a-database-with-a-name-that-is-long";
    login.user = "a-user-with-a-name-that-is-long-too";
    login.password = secret("a-password-of-thirty-nine-characters-kg");
    login.ca_file = "/etc/kallglot_exporter/ca-of-the-database.pem";
    login.client_cert_file = "/etc/kallglot_exporter/client.pem";
    login.client_key_file = "/etc/kallglot_exporter/client.key";
    return login;
}

std::map<std::string, std::string> as_map(const pg_keywords& keywords) {
    std::map<std::string, std::string> words;
    for (std::size_t i = 0; keywords.names()[i] != nullptr; ++i) {
        words[keywords.names()[i]] = keywords.values()[i];
    }
    return words;
}

TEST(PgKeywords, PassNameAndAddressSoThatNothingIsResolved) {
    const pg_keywords keywords(full_login(), {"db1.example", "192.0.2.7", 5433});
    auto words = as_map(keywords);
    EXPECT_EQ(words["host"], "db1.example");
    EXPECT_EQ(words["hostaddr"], "192.0.2.7");
    EXPECT_EQ(words["port"], "5433");
    EXPECT_EQ(words["sslmode"], "verify-full");
    EXPECT_EQ(words["gssencmode"], "disable");
    EXPECT_EQ(words["password"], "a-password-of-thirty-nine-characters-kg");
}

TEST(PgKeywords, AUnixSocketHasNoAddress) {
    pg_login login = full_login();
    login.tls = false;
    const pg_keywords keywords(login, {"/run/postgresql", "", 5432});
    auto words = as_map(keywords);
    EXPECT_EQ(words["host"], "/run/postgresql");
    EXPECT_FALSE(words.contains("hostaddr"));
    EXPECT_EQ(words["sslmode"], "disable");
}

// An empty value counts as "not given", and libpq looks into the environment.
TEST(PgKeywords, NoValueIsEmpty) {
    const pg_keywords keywords({}, {"db1.example", "192.0.2.7", 5433});
    for (const auto& [name, value] : as_map(keywords)) {
        EXPECT_NE(value, "") << name;
    }
}

// A keyword that a newer libpq takes from a variable of the environment is to be noticed here.
TEST(PgKeywords, EveryVariableOfLibpqIsOverriddenOrNamed) {
    const pg_keywords keywords(full_login(), {"db1.example", "192.0.2.7", 5433});
    const auto words = as_map(keywords);
    const std::set<std::string> left_to_pg_environment{"service",
                                                       "options",
                                                       "requirepeer",
                                                       "krbsrvname",
                                                       "gsslib",
                                                       "ssl_max_protocol_version",
                                                       "sslcertmode",
                                                       "sslnegotiation",
                                                       "require_auth",
                                                       "gssdelegation",
                                                       "load_balance_hosts",
                                                       "min_protocol_version",
                                                       "max_protocol_version",
                                                       "sslkeylogfile",
                                                       "requiressl",
                                                       "servicefile"};
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> known(PQconndefaults(),
                                                                             PQconninfoFree);
    ASSERT_NE(known, nullptr);
    std::set<std::string> names;
    for (const PQconninfoOption* each = known.get(); each->keyword != nullptr; ++each) {
        names.insert(each->keyword);
        if (each->envvar != nullptr) {
            EXPECT_TRUE(words.contains(each->keyword)
                        || left_to_pg_environment.contains(each->keyword))
                << each->keyword << " comes from " << each->envvar;
        }
    }
    for (const auto& [name, value] : words) {
        EXPECT_TRUE(names.contains(name)) << name << " is no keyword of this libpq";
    }
}

TEST(PgEnvironment, RemovesEveryVariableOfLibpq) {
    for (const char* const name :
         {"PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGTZ", "PGHOSTADDR", "PG_UNKNOWN_TO_US"}) {
        ::setenv(name, "a-value-of-more-than-thirty-two-characters", 1);
    }
    ::setenv("NOT_PG_AT_ALL", "stays", 1);
    static_cast<void>(pg_environment::clear());
    for (const char* const name :
         {"PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGTZ", "PGHOSTADDR", "PG_UNKNOWN_TO_US"}) {
        EXPECT_EQ(::getenv(name), nullptr) << name;
    }
    EXPECT_STREQ(::getenv("NOT_PG_AT_ALL"), "stays");
}

} // namespace
} // namespace kallglot
