#include "web/common_traits.hpp"

#include <gtest/gtest.h>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

/// Twelve stuck sessions of all providers, modes and hours.
class CommonTraits : public testing::Test {
protected:
    CommonTraits() {
        stuck_.by_provider = {3, 3, 3, 2, 1};
        stuck_.by_mode = {2, 2, 2, 2, 2, 2};
        for (std::size_t i = 0; i < 12; ++i) {
            stuck_.by_creation_hour[i] = 1;
        }
        others_.by_provider = {300, 300, 300, 50, 50};
        others_.by_mode = {200, 200, 200, 200, 100, 100};
        others_.by_creation_hour = {900, 100};
    }

    [[nodiscard]] std::string said() const {
        // 00:20 UTC.
        return describe_common_traits(stuck_,
                                      others_,
                                      api_time(std::chrono::hours(24 * 20'000)) + 20min);
    }

    trait_counts stuck_;
    trait_counts others_;
};

constexpr const char* nothing = "nothing in common in provider, mode or hour of creation";

TEST_F(CommonTraits, SaysThatThereIsNothing) {
    EXPECT_EQ(said(), nothing);
}

TEST_F(CommonTraits, NamesProviderModeAndHour) {
    stuck_.by_provider = {11, 1, 0, 0, 0};
    EXPECT_EQ(said(), "11 of them twilio");
    stuck_.by_mode = {0, 0, 12, 0, 0, 0};
    EXPECT_EQ(said(), "11 of them twilio, all ai_agent");
    stuck_.by_creation_hour = {0, 10, 2};
    EXPECT_EQ(said(),
              "11 of them twilio, all ai_agent, 10 of them created between 23:00 and 00:00 UTC");
}

TEST_F(CommonTraits, OmitsWhatIsTrueOfTheOtherSessionsToo) {
    stuck_.by_provider = {12, 0, 0, 0, 0};
    others_.by_provider = {950, 50, 0, 0, 0};
    EXPECT_EQ(said(), nothing);
    others_.by_provider = {700, 300, 0, 0, 0};
    EXPECT_EQ(said(), "all twilio");
    // So few others are no measure.
    others_.by_provider = {9, 0, 0, 0, 0};
    EXPECT_EQ(said(), "all twilio");
}

TEST_F(CommonTraits, ThreeOfFourAreEnoughAndTwoOfThreeAreNot) {
    stuck_ = {};
    stuck_.by_provider = {0, 2, 1, 0, 0};
    EXPECT_EQ(said(), nothing);
    stuck_.by_provider = {0, 3, 1, 0, 0};
    EXPECT_EQ(said(), "3 of them telnyx");
}

TEST_F(CommonTraits, SaysNothingOfTwoSessions) {
    stuck_ = {};
    stuck_.by_provider = {2, 0, 0, 0, 0};
    stuck_.by_mode = {2, 0, 0, 0, 0, 0};
    EXPECT_EQ(said(), "");
}

TEST_F(CommonTraits, MissingAndUnknownValuesAreNoNames) {
    stuck_.by_provider = {0, 0, 0, 12, 0};
    EXPECT_EQ(said(), "all with a provider this version does not know");
    stuck_.by_provider = {0, 0, 0, 0, 12};
    EXPECT_EQ(said(), "all without a provider");
    // Older than a day, or not known: no hour.
    stuck_.by_provider = {3, 3, 3, 2, 1};
    stuck_.by_creation_hour = {};
    stuck_.by_creation_hour[creation_hour_count - 1] = 12;
    EXPECT_EQ(said(), nothing);
}

} // namespace
} // namespace kallglot
