#include "exposition_reader.hpp"
#include "kallglot/metrics/exposition.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace kallglot {
namespace {

constexpr std::string_view stat_tail =
    " S 1 4242 4242 0 -1 4194560 5120 0 3 0 1250 750 0 0 20 0 4 0 987600 276824064 4321 "
    "18446744073709551615 1 1 0 0 0 0 "
    "0 4096 17642 0 0 0 17 1 0 0 0 0 0\n";

TEST(ProcessStat, ReadsTheStandardFields) {
    const auto stat =
        parse_process_stat("4242 (kallglot_exporter)" + std::string(stat_tail), 100, 4096);
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->cpu_seconds, 20);
    EXPECT_EQ(stat->threads, 4);
    EXPECT_EQ(stat->start_after_boot_seconds, 9876);
    EXPECT_EQ(stat->virtual_bytes, 276824064);
    EXPECT_EQ(stat->resident_bytes, 4321.0 * 4096);
}

TEST(ProcessStat, ProgramNameMayContainAnyText) {
    const auto stat =
        parse_process_stat("4242 (a) S 9 (evil name) )" + std::string(stat_tail), 100, 4096);
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->threads, 4);
}

TEST(ProcessStat, MalformedStatIsRejected) {
    for (const std::string text :
         {"", "4242", "4242 (x)", "4242 (x) ", "4242 (x) S 1 2 3", "4242 (x) S a b c d e f g h"}) {
        EXPECT_FALSE(parse_process_stat(text, 100, 4096)) << text;
    }
}

TEST(ProcessMetrics, ReportsThisProcess) {
    std::string text;
    exposition_writer out(text, exposition_format::text);
    process_metrics().write(out);
    const test::read_exposition read = test::read_text_format(text);
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    EXPECT_EQ(read.type.size(), 8U);
    EXPECT_GE(read.value("process_cpu_seconds_total"), 0);
    EXPECT_GT(read.value("process_resident_memory_bytes"), 100'000);
    EXPECT_GT(read.value("process_virtual_memory_bytes"),
              read.value("process_resident_memory_bytes"));
    EXPECT_GT(read.value("process_virtual_memory_max_bytes"), 0);
    EXPECT_GE(read.value("process_open_fds"), 3);
    EXPECT_GT(read.value("process_max_fds"), read.value("process_open_fds"));
    EXPECT_GE(read.value("process_threads"), 1);
    EXPECT_LE(read.value("process_start_time_seconds"), now.count() + 1);
    EXPECT_GT(read.value("process_start_time_seconds"), now.count() - 86400);
}

} // namespace
} // namespace kallglot
