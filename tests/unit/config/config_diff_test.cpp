#include "kallglot/config/reference.hpp"

#include <gtest/gtest.h>

namespace kallglot::config {
namespace {

using namespace std::chrono_literals;

TEST(ConfigDiff, EqualSettingsHaveNoDifference) {
    EXPECT_TRUE(diff(settings{}, settings{}).empty());
}

TEST(ConfigDiff, ChangesAreNamedWithTheirEffect) {
    const settings before;
    settings after;
    after.api.max_connections = 512;
    after.api.proxy_url = proxy_endpoint{"http://proxy:3128", "proxy", 3128};
    after.poll.intervals.created = 7s;
    after.thresholds.active = {};
    after.store.path = "/data/sessions.db";
    const auto changes = diff(before, after);
    ASSERT_EQ(changes.size(), 5U);
    EXPECT_EQ(to_string(changes[0]), "api.proxy_url: (none) -> http://proxy:3128");
    EXPECT_EQ(to_string(changes[1]), "api.max_connections: 256 -> 512");
    EXPECT_EQ(to_string(changes[2]), "poll.intervals.created: 5s -> 7s");
    EXPECT_EQ(to_string(changes[3]), "thresholds.active: [1h, 4h] -> []");
    EXPECT_EQ(to_string(changes[4]),
              "store.path: sessions.db -> /data/sessions.db (requires a restart)");
    EXPECT_EQ(changes[4].effect, change_effect::restart);
}

} // namespace
} // namespace kallglot::config
