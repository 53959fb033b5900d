#include "web/basic_auth.hpp"

#include "support/loop.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace kallglot {
namespace {

// Of "right", made with: htpasswd -nbBC 4
const std::string hash_of_right = "$2y$04$eRxeQxfqISlslmFSV/lkS.Jj24FXGU0KyjQVb9dcLSZCrXHdUjl4G";

task<> ask(basic_auth* auth, std::string header, auth_outcome* into, peer_network from = {}) {
    const auth_outcome outcome = co_await auth->check(header, from);
    *into = outcome;
}

class BasicAuth : public testing::Test {
protected:
    BasicAuth() { auth_.use({{"alice", hash_of_right}}); }

    ~BasicAuth() override { EXPECT_TRUE(auth_.stop(std::chrono::seconds(10))); }

    auth_outcome check(const std::string& header) {
        auth_outcome outcome = auth_outcome::busy;
        EXPECT_TRUE(loop_.run(ask(&auth_, header, &outcome)));
        return outcome;
    }

    test::loop loop_;
    test::virtual_clock clock_;
    basic_auth auth_{loop_.executor(), clock_};
};

TEST(MatchesBcrypt, OnlyTheRightPasswordMatches) {
    EXPECT_TRUE(matches_bcrypt("right", hash_of_right));
    EXPECT_FALSE(matches_bcrypt("wrong", hash_of_right));
    EXPECT_FALSE(matches_bcrypt("", hash_of_right));
    EXPECT_FALSE(matches_bcrypt(std::string_view("right\0more", 10), hash_of_right));
    EXPECT_FALSE(matches_bcrypt("right", "no hash"));
    EXPECT_FALSE(matches_bcrypt("right", "$2y$99$" + hash_of_right.substr(7)));
}

TEST_F(BasicAuth, AllowsTheRightPasswordOnly) {
    EXPECT_EQ(check("Basic YWxpY2U6cmlnaHQ="), auth_outcome::allowed); // alice:right
    EXPECT_EQ(check("Basic YWxpY2U6cmlnaHQ="), auth_outcome::allowed); // remembered
    EXPECT_EQ(check("bASIC YWxpY2U6cmlnaHQ="), auth_outcome::allowed);
    EXPECT_EQ(check("Basic YWxpY2U6d3Jvbmc="), auth_outcome::refused); // alice:wrong
    EXPECT_EQ(check("Basic Ym9iOnJpZ2h0"), auth_outcome::refused);     // bob:right
    EXPECT_EQ(check("Basic Ym9iOnJpZ2h0"), auth_outcome::refused) << "never remembered";
}

TEST_F(BasicAuth, RejectsMalformedCredentials) {
    for (const std::string header : {"",
                                     "Basic",
                                     "Basic ",
                                     "Basic !!!!",
                                     "Basic YWxpY2U=", // no colon
                                     "Bearer YWxpY2U6cmlnaHQ=",
                                     "Basic ===="}) {
        EXPECT_EQ(check(header), auth_outcome::refused) << header;
    }
    std::string longest = "Basic ";
    longest.append(2000, 'A');
    EXPECT_EQ(check(longest), auth_outcome::refused);
}

TEST_F(BasicAuth, RemembersNothingAfterTheHashChanges) {
    EXPECT_EQ(check("Basic YWxpY2U6cmlnaHQ="), auth_outcome::allowed);
    std::string other = hash_of_right;
    other.back() = other.back() == 'a' ? 'b' : 'a';
    auth_.use({{"alice", other}});
    EXPECT_EQ(check("Basic YWxpY2U6cmlnaHQ="), auth_outcome::refused);
    auth_.use({});
    EXPECT_FALSE(auth_.enabled());
}

TEST_F(BasicAuth, AtMostSixteenHashesWait) {
    task_group group(loop_.executor(), test::loop::failure());
    std::vector<auth_outcome> outcomes(40, auth_outcome::allowed);
    for (auth_outcome& outcome : outcomes) {
        group.spawn("request", ask(&auth_, "Basic YWxpY2U6d3Jvbmc=", &outcome));
    }
    EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    EXPECT_EQ(std::ranges::count(outcomes, auth_outcome::refused), 16);
    EXPECT_EQ(std::ranges::count(outcomes, auth_outcome::busy), 24);
}

TEST_F(BasicAuth, AFloodFromOtherNetworksLeavesRoomForOne) {
    task_group group(loop_.executor(), test::loop::failure());
    std::vector<auth_outcome> wrong(200, auth_outcome::allowed);
    // Twenty networks keep the queue full.
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const peer_network from{1 + i % 20, false};
        group.spawn("request", ask(&auth_, "Basic YWxpY2U6d3Jvbmc=", &wrong[i], from));
    }
    loop_.poll();
    EXPECT_EQ(check("Basic YWxpY2U6cmlnaHQ="), auth_outcome::allowed);
    EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    EXPECT_EQ(std::ranges::count(wrong, auth_outcome::allowed), 0);
}

TEST_F(BasicAuth, ACancelledLoginLetsTheNextOneGoOn) {
    task_group group(loop_.executor(), test::loop::failure());
    std::vector<auth_outcome> outcomes(4, auth_outcome::allowed);
    for (auth_outcome& outcome : outcomes) {
        group.spawn("request", ask(&auth_, "Basic YWxpY2U6d3Jvbmc=", &outcome));
    }
    loop_.poll();
    group.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    EXPECT_EQ(check("Basic YWxpY2U6cmlnaHQ="), auth_outcome::allowed);
}

// Wrong logins of a cheap user take the rounds of the costliest one: 2^4 + 2^4 + 2^5 = 2^6.
TEST(MatchesInEqualTime, OnlyTheRightPasswordMatches) {
    const std::string costlier = "$2y$06" + hash_of_right.substr(6);
    for (const std::string& costliest : {hash_of_right, costlier}) {
        EXPECT_TRUE(matches_in_equal_time("right", hash_of_right, costliest));
        EXPECT_FALSE(matches_in_equal_time("wrong", hash_of_right, costliest));
    }
}

} // namespace
} // namespace kallglot
