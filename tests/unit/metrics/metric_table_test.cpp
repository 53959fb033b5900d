// Checks the table in the code against the contract with users, tests/e2e/contract_metrics.txt: the one copy of its names.

#include "kallglot/ports/metric_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {
namespace {

struct promise {
    std::string name;
    std::string type;
    std::set<std::string> labels;
};

// The contract with users: a line a metric, with its name, its type and its labels.
std::vector<promise> read_contract() {
    std::ifstream file(KALLGLOT_SOURCE_DIR "/tests/e2e/contract_metrics.txt");
    std::vector<promise> promised;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') {
            continue;
        }
        std::ranges::replace(line, ',', ' ');
        std::istringstream words(line);
        promise& one = promised.emplace_back();
        words >> one.name >> one.type;
        one.labels = {std::istream_iterator<std::string>(words), {}};
    }
    return promised;
}

TEST(MetricTable, HasEveryMetricOfTheContractWithTypeAndLabels) {
    for (const promise& expected : read_contract()) {
        const metric_info* const row = find_metric(expected.name);
        ASSERT_NE(row, nullptr) << expected.name;
        EXPECT_EQ(to_string(row->type), expected.type) << expected.name;
        const std::set<std::string> labels(row->labels.begin(),
                                           row->labels.begin() + row->label_count());
        EXPECT_EQ(labels, expected.labels) << expected.name;
    }
}

TEST(MetricTable, HasNoOtherMetric) {
    EXPECT_EQ(metric_rows.size(), read_contract().size());
}

TEST(MetricTable, EachRowIsAtItsEnumerator) {
    EXPECT_EQ(describe(metric::up).name, "kallglot_up");
    EXPECT_EQ(describe(metric::session_status_dwell).name, "kallglot_session_status_dwell_seconds");
    EXPECT_EQ(describe(metric::polls_overdue).name, "kallglot_exporter_polls_overdue");
    EXPECT_EQ(describe(metric::build_info).name, "kallglot_exporter_build_info");
    EXPECT_EQ(describe(metric::process_threads).name, "process_threads");
    EXPECT_EQ(find_metric("kallglot_sessions_total"), nullptr);
}

TEST(MetricTable, NamesEachMetricOnceAndWellFormed) {
    std::set<std::string_view> names;
    for (const metric_info& row : metric_rows) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
                  std::string_view::npos);
        EXPECT_EQ(row.name.ends_with("_total"), row.type == metric_type::counter) << row.name;
    }
}

TEST(MetricTable, HelpIsOneSentence) {
    for (const metric_info& row : metric_rows) {
        EXPECT_GE(row.help.size(), 20U) << row.name;
        EXPECT_TRUE(row.help.ends_with('.')) << row.name;
        EXPECT_TRUE(row.help.front() >= 'A' && row.help.front() <= 'Z') << row.name;
        EXPECT_EQ(row.help.find('\n'), std::string_view::npos) << row.name;
        EXPECT_EQ(row.help.find(".."), std::string_view::npos) << row.name;
    }
}

} // namespace
} // namespace kallglot
