#include "kallglot/metrics/exposition.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

constexpr auto text = exposition_format::text;
constexpr auto open = exposition_format::openmetrics;

TEST(ChooseFormat, FollowsTheWeights) {
    EXPECT_EQ(choose_format(""), text);
    EXPECT_EQ(choose_format("*/*"), text);
    EXPECT_EQ(choose_format("text/html,application/xhtml+xml,*/*;q=0.8"), text);
    EXPECT_EQ(choose_format("text/plain;version=0.0.4"), text);
    EXPECT_EQ(choose_format("application/openmetrics-text"), open);
    EXPECT_EQ(choose_format("Application/OpenMetrics-Text ; version=1.0.0 , text/plain;q=0.5"),
              open);
    EXPECT_EQ(choose_format("application/openmetrics-text;q=0.3,text/plain;q=0.5"), text);
    EXPECT_EQ(choose_format("application/openmetrics-text;q=0"), text);
    EXPECT_EQ(choose_format("application/openmetrics-text;q=nonsense"), text);
    // What Prometheus 2.42 sends.
    EXPECT_EQ(
        choose_format(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
            "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
        open);
}

TEST(ChooseFormat, MalformedHeadersMeanText) {
    for (const char* damaged :
         {",", ";", "=", ",,,;;;===", "q=1", ";q=1", "a;q", "a;;q==", " \t , \t"}) {
        EXPECT_EQ(choose_format(damaged), text) << damaged;
    }
}

TEST(AcceptsGzip, WhenNamedOrWithAWildcard) {
    EXPECT_FALSE(accepts_gzip(""));
    EXPECT_FALSE(accepts_gzip("identity"));
    EXPECT_TRUE(accepts_gzip("gzip"));
    EXPECT_TRUE(accepts_gzip("deflate, GZIP;q=0.5"));
    EXPECT_FALSE(accepts_gzip("gzip;q=0"));
    EXPECT_TRUE(accepts_gzip("*"));
    EXPECT_FALSE(accepts_gzip("gzip;q=0, *"));
    EXPECT_FALSE(accepts_gzip("x-gzip-not"));
}

} // namespace
} // namespace kallglot
