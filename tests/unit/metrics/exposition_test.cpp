#include "kallglot/metrics/exposition.hpp"

#include "exposition_reader.hpp"
#include "sample_report.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <set>
#include <string>

namespace kallglot {
namespace {

std::string render(exposition_format format, const daemon_report& report) {
    daemon_metrics metrics(test::sample_build);
    test::move_everything(metrics);
    std::string text;
    write_exposition(text, format, report, metrics, process_metrics(), 0.002);
    return text;
}

TEST(Exposition, DescribesEachFamilyOnceAsTheTableDoes) {
    const test::read_exposition read =
        test::read_text_format(render(exposition_format::text, test::make_full_report()));
    ASSERT_EQ(read.type.size(), read.help.size());
    for (const auto& [name, type] : read.type) {
        const metric_info* const row = find_metric(name);
        ASSERT_NE(row, nullptr) << name;
        EXPECT_EQ(type, to_string(row->type));
        EXPECT_EQ(read.help.at(name), row->help);
    }
}

TEST(Exposition, GivesEverySampleTheLabelsOfItsRow) {
    const test::read_exposition read =
        test::read_text_format(render(exposition_format::text, test::make_full_report()));
    for (const test::read_sample& sample : read.samples) {
        std::string name = sample.name;
        for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
            if (find_metric(name) == nullptr && name.ends_with(part)) {
                name.erase(name.size() - part.size());
            }
        }
        const metric_info* const row = find_metric(name);
        ASSERT_NE(row, nullptr) << sample.name;
        std::set<std::string> expected(row->labels.begin(),
                                       row->labels.begin() + row->label_count());
        if (sample.name.ends_with("_bucket")) {
            expected.insert("le");
        }
        std::set<std::string> labels;
        for (const auto& [label, value] : sample.labels) {
            labels.insert(label);
        }
        EXPECT_EQ(labels, expected) << sample.name;
    }
}

TEST(Exposition, FullReportLacksOnlyTheWebhookCounters) {
    const test::read_exposition read =
        test::read_text_format(render(exposition_format::text, test::make_full_report()));
    std::set<std::string_view> absent;
    for (const metric_info& row : metric_rows) {
        if (!read.type.contains(std::string(row.name))) {
            absent.insert(row.name);
        }
    }
    EXPECT_EQ(absent,
              (std::set<std::string_view>{"kallglot_exporter_webhook_requests_total",
                                          "kallglot_exporter_webhook_events_total",
                                          "kallglot_exporter_webhook_missed_transitions_total",
                                          "kallglot_exporter_webhook_delivery_delay_seconds"}));
}

TEST(Exposition, OnlyOpenMetricsShowsExemplars) {
    const std::string open = render(exposition_format::openmetrics, test::make_full_report());
    EXPECT_NE(open.find("kallglot_session_setup_seconds_bucket{le=\"5.0\"} 1 # "
                        "{session_id=\"sess_slow-0000001\"} 4 1800000000\n"),
              std::string::npos);
    EXPECT_NE(
        open.find("kallglot_session_status_dwell_seconds_bucket{status=\"connecting\",le=\"5.0\"} "
                  "1 # {session_id=\"sess_slow-0000001\"} 2.5 1800000000\n"),
        std::string::npos);
    // The buckets above hold it too, but it is not theirs.
    EXPECT_NE(open.find("kallglot_session_setup_seconds_bucket{le=\"10.0\"} 1\n"),
              std::string::npos);
    EXPECT_EQ(render(exposition_format::text, test::make_full_report()).find(" # {"),
              std::string::npos);
}

TEST(Exposition, OnlyOpenMetricsEndsWithEof) {
    const std::string open = render(exposition_format::openmetrics, test::make_full_report());
    EXPECT_TRUE(open.ends_with("\n# EOF\n"));
    EXPECT_EQ(open.find("# EOF"), open.rfind("# EOF"));
    EXPECT_EQ(render(exposition_format::text, test::make_full_report()).find("# EOF"),
              std::string::npos);
}

std::string gunzip(std::string_view packed) {
    z_stream stream{};
    EXPECT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
    std::string text(1'000'000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
    ::inflateEnd(&stream);
    return text.substr(0, stream.total_out);
}

TEST(Gzip, DecompressesToTheSameText) {
    const std::string text = render(exposition_format::text, test::make_full_report());
    const auto packed = gzip(text);
    ASSERT_TRUE(packed);
    EXPECT_LT(packed->size(), text.size() / 4);
    EXPECT_EQ(gunzip(*packed), text);
}

TEST(Gzip, TakesTextsThatDoNotShrink) {
    std::mt19937 random(7);
    std::string noise(100'000, '\0');
    for (char& c : noise) {
        c = static_cast<char>(random());
    }
    const auto packed = gzip(noise);
    ASSERT_TRUE(packed);
    EXPECT_EQ(gunzip(*packed), noise);
    EXPECT_EQ(gunzip(gzip("").value()), "");
}

} // namespace
} // namespace kallglot
