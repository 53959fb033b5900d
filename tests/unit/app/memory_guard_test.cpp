// Tests of the memory guard: its thresholds, and the limits of control groups.

#include "app/memory_guard.hpp"

#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

TEST(MemoryGuard, EachChangeOfTheStateIsReportedOnce) {
    virtual_clock clock;
    null_logger log;
    std::uint64_t used = 500;
    std::vector<bool> reported;
    memory_guard guard(
        clock,
        log,
        [&](bool is_short) { reported.push_back(is_short); },
        [&] { return used; });
    guard.start(1000);
    clock.advance(10s);
    EXPECT_TRUE(reported.empty());
    used = 900;
    clock.advance(10s);
    EXPECT_EQ(reported, (std::vector<bool>{true}));
    // Between the two thresholds nothing changes, so that the state does not flap.
    used = 860;
    clock.advance(10s);
    EXPECT_EQ(reported.size(), 1U);
    // Not measured: the state stays.
    used = 0;
    clock.advance(1s);
    EXPECT_EQ(reported.size(), 1U);
    used = 849;
    clock.advance(1s);
    EXPECT_EQ(reported, (std::vector<bool>{true, false}));
    guard.stop();
}

TEST(MemoryGuard, ChecksNothingWithoutALimit) {
    virtual_clock clock;
    null_logger log;
    memory_guard guard(
        clock,
        log,
        [](bool) { FAIL(); },
        [] {
            ADD_FAILURE() << "measured without a limit";
            return std::uint64_t{0};
        });
    guard.start(std::nullopt);
    clock.advance(1min);
}

TEST(MemoryGuard, TheLowestLimitOfBothCgroupVersionsCounts) {
    temporary_folder folder;
    const std::filesystem::path root = folder.path() / "cgroup";
    const auto group = [&](const char* path, const char* name, const std::string& value) {
        std::filesystem::create_directories(root / path);
        const std::filesystem::path file = std::filesystem::path("cgroup") / path / name;
        EXPECT_FALSE(folder.file(file.string(), value + "\n").empty());
    };
    const std::string groups = folder.file("groups", "0::/system.slice/kallglot.service\n");
    EXPECT_EQ(memory_limit_bytes(root, groups), std::nullopt);
    group("system.slice/kallglot.service", "memory.max", "max");
    EXPECT_EQ(memory_limit_bytes(root, groups), std::nullopt);
    group("system.slice", "memory.max", "4000000000");
    EXPECT_EQ(memory_limit_bytes(root, groups), 4'000'000'000U);
    group("system.slice/kallglot.service", "memory.max", "200000000");
    EXPECT_EQ(memory_limit_bytes(root, groups), 200'000'000U);
    // In a cgroup namespace of its own the group is the root.
    group("", "memory.max", "70000000");
    EXPECT_EQ(memory_limit_bytes(root, folder.file("own", "0::/\n")), 70'000'000U);

    group("memory/docker/17", "memory.limit_in_bytes", "300000000");
    group("memory", "memory.limit_in_bytes", "9223372036854771712");
    EXPECT_EQ(memory_limit_bytes(root, folder.file("v1", "5:memory:/docker/17\n4:cpu:/x\n")),
              300'000'000U);
    EXPECT_EQ(memory_limit_bytes(root, folder.file("no", "nonsense\n")), std::nullopt);
}

TEST(MemoryGuard, TheProcessUsesSomeMemoryOfItsOwn) {
    const std::uint64_t before = own_memory_bytes();
    EXPECT_GT(before, 0U);
    std::vector<char> much(32U << 20U, 'x');
    // A read, or an optimising compiler would remove the vector.
    const volatile char* const seen = much.data();
    EXPECT_EQ(seen[much.size() - 1], 'x');
    EXPECT_GE(own_memory_bytes(), before + (16U << 20U));
}

} // namespace
} // namespace kallglot::test
