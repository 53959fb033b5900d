#include "kallglot/metrics/exposition_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace kallglot {
namespace {

std::string number(double value) {
    std::string text;
    append_exposition_number(text, value);
    return text;
}

TEST(ExpositionNumber, HasTheFormOfPrometheus) {
    EXPECT_EQ(number(0), "0");
    EXPECT_EQ(number(-3), "-3");
    EXPECT_EQ(number(1'000'000), "1000000");
    EXPECT_EQ(number(1'800'000'000.25), "1800000000.25");
    EXPECT_EQ(number(0.005), "0.005");
    EXPECT_EQ(number(1e300), "1e+300");
    EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "+Inf");
    EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-Inf");
    EXPECT_EQ(number(std::nan("")), "NaN");
}

TEST(ExpositionNumber, KeepsFullPrecision) {
    for (const double value :
         {0.1, 1.0 / 3, 123456.789, 1e15, 9007199254740993.0, 5e-324, -2.5e-7}) {
        EXPECT_EQ(std::strtod(number(value).c_str(), nullptr), value);
    }
}

std::string write_counter(exposition_format format) {
    std::string text;
    exposition_writer out(text, format);
    out.family(metric::api_responses);
    out.sample({{"code", "200"}}, 12);
    out.single(metric::api_requests, 13);
    out.finish();
    return text;
}

TEST(ExpositionWriter, WritesCountersInTextFormat) {
    EXPECT_EQ(write_counter(exposition_format::text),
              "# HELP kallglot_exporter_api_responses_total API responses, by HTTP status code.\n"
              "# TYPE kallglot_exporter_api_responses_total counter\n"
              "kallglot_exporter_api_responses_total{code=\"200\"} 12\n"
              "# HELP kallglot_exporter_api_requests_total Requests sent to the API.\n"
              "# TYPE kallglot_exporter_api_requests_total counter\n"
              "kallglot_exporter_api_requests_total 13\n");
}

TEST(ExpositionWriter, CounterFamiliesHaveNoSuffixInOpenMetrics) {
    EXPECT_EQ(write_counter(exposition_format::openmetrics),
              "# HELP kallglot_exporter_api_responses API responses, by HTTP status code.\n"
              "# TYPE kallglot_exporter_api_responses counter\n"
              "kallglot_exporter_api_responses_total{code=\"200\"} 12\n"
              "# HELP kallglot_exporter_api_requests Requests sent to the API.\n"
              "# TYPE kallglot_exporter_api_requests counter\n"
              "kallglot_exporter_api_requests_total 13\n"
              "# EOF\n");
}

std::string write_histogram(exposition_format format) {
    static constexpr std::array<double, 3> bounds = {0.5, 1, 2.5};
    static constexpr std::array<std::uint64_t, 3> counts = {1, 2, 2};
    const std::array<exemplar, 4> examples = {
        exemplar{"sess_first-of-all-the-sessions-seen", 0.4, 1'800'000'000.5},
        exemplar{},
        exemplar{},
        exemplar{"sess_last", 7, 1'800'000'001}};
    histogram_view view;
    view.bounds = bounds;
    view.cumulative_counts = counts;
    view.count = 3;
    view.sum = 8.25;
    view.exemplars = examples;

    std::string text;
    exposition_writer out(text, format);
    out.family(metric::session_status_dwell);
    const std::array<label_ref, 1> labels = {label_ref{"status", "active"}};
    out.histogram(labels, view);
    return text;
}

constexpr std::string_view histogram_head =
    "# HELP kallglot_session_status_dwell_seconds Time spent in a status, observed when a "
    "session leaves it; left out if entry or exit is not known precisely.\n"
    "# TYPE kallglot_session_status_dwell_seconds histogram\n";

TEST(ExpositionWriter, WritesHistogramsInTextFormatWithoutExemplars) {
    std::string expected(histogram_head);
    expected +=
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"0.5\"} 1\n"
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"1\"} 2\n"
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"2.5\"} 2\n"
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"+Inf\"} 3\n"
        "kallglot_session_status_dwell_seconds_sum{status=\"active\"} 8.25\n"
        "kallglot_session_status_dwell_seconds_count{status=\"active\"} 3\n";
    EXPECT_EQ(write_histogram(exposition_format::text), expected);
}

TEST(ExpositionWriter, WritesHistogramsInOpenMetricsWithExemplars) {
    std::string expected(histogram_head);
    expected +=
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"0.5\"} 1 # "
        "{session_id=\"sess_first-of-all-the-sessions-seen\"} 0.4 1800000000.5\n"
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"1.0\"} 2\n"
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"2.5\"} 2\n"
        "kallglot_session_status_dwell_seconds_bucket{status=\"active\",le=\"+Inf\"} 3 # "
        "{session_id=\"sess_last\"} 7 1800000001\n"
        "kallglot_session_status_dwell_seconds_sum{status=\"active\"} 8.25\n"
        "kallglot_session_status_dwell_seconds_count{status=\"active\"} 3\n";
    EXPECT_EQ(write_histogram(exposition_format::openmetrics), expected);
}

TEST(ExpositionWriter, EscapesHelp) {
    metric_info info = describe(metric::up);
    info.help = "A \"quoted\\text\nkallglot_forged 1";
    std::string text;
    exposition_writer(text, exposition_format::text).family(info);
    EXPECT_EQ(
        text,
        "# HELP kallglot_up A \"quoted\\\\text\\nkallglot_forged 1\n# TYPE kallglot_up gauge\n");

    std::string open;
    exposition_writer(open, exposition_format::openmetrics).family(info);
    EXPECT_EQ(
        open,
        "# HELP kallglot_up A \\\"quoted\\\\text\\nkallglot_forged 1\n# TYPE kallglot_up gauge\n");
}

TEST(ExpositionWriter, AppendsToTheText) {
    std::string text = "# before\n";
    exposition_writer out(text, exposition_format::text);
    out.single(metric::sessions_unverified, 5);
    EXPECT_TRUE(text.starts_with("# before\n# HELP "));
}

TEST(ContentType, NamesFormatAndVersion) {
    EXPECT_EQ(content_type(exposition_format::text), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(content_type(exposition_format::openmetrics),
              "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

} // namespace
} // namespace kallglot
