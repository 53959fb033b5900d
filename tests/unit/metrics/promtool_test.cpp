// A whole exposition before Prometheus' own judge.

#include "exposition_reader.hpp"
#include "kallglot/metrics/exposition.hpp"
#include "sample_report.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

namespace kallglot {
namespace {

struct verdict {
    int exit_code = -1;
    std::string text;
};

verdict ask_promtool(const std::string& exposition) {
    std::string name = testing::TempDir() + "kallglot_promtool_XXXXXX";
    const int file = ::mkstemp(name.data());
    EXPECT_GE(file, 0);
    std::ofstream(name) << exposition;
    const std::string command = std::string(KALLGLOT_PROMTOOL " check metrics < ") + name + " 2>&1";
    verdict given;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    char piece[512];
    while (std::fgets(piece, sizeof piece, pipe) != nullptr) {
        given.text += piece;
    }
    given.exit_code = ::pclose(pipe);
    std::remove(name.c_str());
    return given;
}

std::string render(const daemon_report& report) {
    daemon_metrics metrics(test::sample_build);
    test::move_everything(metrics);
    std::string text;
    write_exposition(text, exposition_format::text, report, metrics, process_metrics(), 0.002);
    return text;
}

TEST(Promtool, FullExpositionIsClean) {
    const verdict given = ask_promtool(render(test::make_full_report()));
    EXPECT_EQ(given.exit_code, 0);
    EXPECT_EQ(given.text, "");
}

TEST(Promtool, ExpositionBeforeTheFirstExchangeIsClean) {
    const verdict given = ask_promtool(render(test::make_young_report()));
    EXPECT_EQ(given.exit_code, 0);
    EXPECT_EQ(given.text, "");
}

TEST(Promtool, RefusesOneBadByte) {
    // Shows that the judge is awake.
    EXPECT_NE(
        ask_promtool(
            "# HELP kallglot_x A sentence.\n# TYPE kallglot_x gauge\nkallglot_x{a=\"\xFF\"} 1\n")
            .exit_code,
        0);
}

TEST(Promtool, AcceptsAHundredThousandHostileLabelValues) {
    std::mt19937 random(4711);
    const auto hostile = [&random] {
        std::string value;
        for (std::size_t bytes = random() % 40; bytes > 0; --bytes) {
            value += static_cast<char>(random() % 256);
        }
        return value;
    };
    // In parts, since promtool 2.53 compares each sample with all before it.
    for (int part = 0; part < 25; ++part) {
        std::string text;
        exposition_writer out(text, exposition_format::text);
        out.family(metric::sessions);
        for (int i = 0; i < 1000; ++i) {
            const std::array values{hostile(), hostile(), hostile(), hostile()};
            out.sample({{"a", values[0]},
                        {"b", values[1]},
                        {"c", values[2]},
                        {"d", values[3]},
                        {"number", std::to_string(i)}},
                       i);
        }
        const verdict given = ask_promtool(text);
        ASSERT_EQ(given.exit_code, 0) << given.text.substr(0, 500);
    }
}

} // namespace
} // namespace kallglot
