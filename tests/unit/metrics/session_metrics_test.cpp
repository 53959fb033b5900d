#include "metrics/session_metrics.hpp"

#include "exposition_reader.hpp"
#include "sample_report.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

std::string render(const daemon_report& report) {
    std::string text;
    exposition_writer out(text, exposition_format::text);
    write_session_metrics(out, report.census, report.thresholds, report.wall_now);
    return text;
}

// From one HELP line to the next.
std::string family(const std::string& text, const std::string& name) {
    const std::size_t begin = text.find("# HELP " + name + " ");
    if (begin == std::string::npos) {
        return "";
    }
    return text.substr(begin, text.find("# HELP ", begin + 1) - begin);
}

TEST(SessionMetrics, CountsByStatus) {
    EXPECT_EQ(family(render(test::make_young_report()), "kallglot_sessions"),
              "# HELP kallglot_sessions Tracked sessions by last known status.\n"
              "# TYPE kallglot_sessions gauge\n"
              "kallglot_sessions{status=\"created\"} 1\n"
              "kallglot_sessions{status=\"connecting\"} 4\n"
              "kallglot_sessions{status=\"active\"} 7\n"
              "kallglot_sessions{status=\"ending\"} 0\n"
              "kallglot_sessions{status=\"ended\"} 5\n"
              "kallglot_sessions{status=\"unknown\"} 1\n");
}

TEST(SessionMetrics, CountsConfirmedThresholdsByProvider) {
    const std::string text =
        family(render(test::make_young_report()), "kallglot_sessions_over_threshold_by_provider");
    const std::string name = "\nkallglot_sessions_over_threshold_by_provider{status=\"";
    for (const char* line : {"connecting\",threshold_seconds=\"15\",provider=\"twilio\"} 1\n",
                             "connecting\",threshold_seconds=\"15\",provider=\"sip\"} 1\n",
                             "connecting\",threshold_seconds=\"30\",provider=\"twilio\"} 1\n",
                             "connecting\",threshold_seconds=\"30\",provider=\"sip\"} 0\n",
                             "created\",threshold_seconds=\"300\",provider=\"none\"} 0\n",
                             "ending\",threshold_seconds=\"60\",provider=\"other\"} 0\n"}) {
        EXPECT_NE(text.find(name + line), std::string::npos) << line;
    }
    EXPECT_EQ(text.find("active"), std::string::npos);
}

TEST(SessionMetrics, CountsConfirmedThresholds) {
    EXPECT_EQ(
        family(render(test::make_young_report()), "kallglot_sessions_over_threshold"),
        "# HELP kallglot_sessions_over_threshold Sessions that a poll observed in this status "
        "after they exceeded the threshold.\n"
        "# TYPE kallglot_sessions_over_threshold gauge\n"
        "kallglot_sessions_over_threshold{status=\"created\",threshold_seconds=\"60\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"created\",threshold_seconds=\"300\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"created\",threshold_seconds=\"1800\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"connecting\",threshold_seconds=\"15\"} 2\n"
        "kallglot_sessions_over_threshold{status=\"connecting\",threshold_seconds=\"30\"} 1\n"
        "kallglot_sessions_over_threshold{status=\"connecting\",threshold_seconds=\"60\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"connecting\",threshold_seconds=\"120\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"connecting\",threshold_seconds=\"300\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"active\",threshold_seconds=\"3600\"} 3\n"
        "kallglot_sessions_over_threshold{status=\"active\",threshold_seconds=\"14400\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"ending\",threshold_seconds=\"60\"} 0\n"
        "kallglot_sessions_over_threshold{status=\"ending\",threshold_seconds=\"300\"} 0\n");
}

TEST(SessionMetrics, CountsThoseNotStarted) {
    EXPECT_EQ(
        family(render(test::make_young_report()), "kallglot_sessions_not_started_over_threshold"),
        "# HELP kallglot_sessions_not_started_over_threshold Sessions that a poll observed without "
        "a start after they exceeded the threshold, counted from creation.\n"
        "# TYPE kallglot_sessions_not_started_over_threshold gauge\n"
        "kallglot_sessions_not_started_over_threshold{status=\"created\",threshold_seconds=\"30\"} "
        "0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"created\",threshold_seconds=\"60\"} "
        "0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"created\",threshold_seconds=\"300\"}"
        " 0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"connecting\",threshold_seconds="
        "\"30\"} 2\n"
        "kallglot_sessions_not_started_over_threshold{status=\"connecting\",threshold_seconds="
        "\"60\"} 0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"connecting\",threshold_seconds="
        "\"300\"} 0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"unknown\",threshold_seconds=\"30\"} "
        "0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"unknown\",threshold_seconds=\"60\"} "
        "0\n"
        "kallglot_sessions_not_started_over_threshold{status=\"unknown\",threshold_seconds=\"300\"}"
        " 0\n");
}

TEST(SessionMetrics, OldestStayIsAWallTimeAndAbsentWithoutSessions) {
    EXPECT_EQ(
        family(render(test::make_young_report()),
               "kallglot_oldest_session_status_since_timestamp_seconds"),
        "# HELP kallglot_oldest_session_status_since_timestamp_seconds When the session that has "
        "been longest in this status entered it, as a Unix time.\n"
        "# TYPE kallglot_oldest_session_status_since_timestamp_seconds gauge\n"
        "kallglot_oldest_session_status_since_timestamp_seconds{status=\"connecting\"} "
        "1799999954.5\n"
        "kallglot_oldest_session_status_since_timestamp_seconds{status=\"active\"} 1799992800\n");
}

TEST(SessionMetrics, OldestStayIsAbsentWhenNothingIsTracked) {
    daemon_report report;
    report.census.oldest_since.fill(no_time);
    EXPECT_EQ(render(report).find("oldest_session"), std::string::npos);
}

TEST(SessionMetrics, HasEveryStatusModeAndProviderFromTheStart) {
    daemon_report report;
    report.census.oldest_since.fill(no_time);
    const test::read_exposition read = test::read_text_format(render(report));
    EXPECT_EQ(read.count("kallglot_sessions"), session_status_count);
    EXPECT_EQ(read.count("kallglot_sessions_by_mode"), session_status_count * session_mode_count);
    EXPECT_EQ(read.count("kallglot_sessions_by_provider"),
              session_status_count * session_provider_count);
    EXPECT_EQ(read.count("kallglot_sessions_stale"), session_status_count);
    EXPECT_EQ(read.value("kallglot_sessions_unverified"), 0);
    EXPECT_EQ(read.value("kallglot_sessions_unobserved"), 0);
}

TEST(SessionMetrics, PutsEachCountUnderItsLabels) {
    const test::read_exposition read = test::read_text_format(render(test::make_young_report()));
    EXPECT_EQ(read.value("kallglot_sessions_by_mode",
                         {{"status", "active"}, {"mode", "bidirectional_translation"}}),
              3);
    EXPECT_EQ(read.value("kallglot_sessions_by_mode",
                         {{"status", "active"}, {"mode", "help_chat_voice"}}),
              0);
    EXPECT_EQ(read.value("kallglot_sessions_by_mode", {{"status", "active"}, {"mode", "none"}}), 1);
    EXPECT_EQ(
        read.value("kallglot_sessions_by_provider", {{"status", "active"}, {"provider", "twilio"}}),
        4);
    EXPECT_EQ(read.value("kallglot_sessions_by_provider",
                         {{"status", "connecting"}, {"provider", "sip"}}),
              0);
    EXPECT_EQ(read.value("kallglot_sessions_suspected_over_threshold",
                         {{"status", "connecting"}, {"threshold_seconds", "30"}}),
              1);
    EXPECT_EQ(read.value("kallglot_sessions_stale", {{"status", "active"}}), 2);
    EXPECT_EQ(read.value("kallglot_sessions_unverified"), 6);
    EXPECT_EQ(read.value("kallglot_sessions_unobserved"), 8);
}

TEST(SessionMetrics, WritesThresholdsAsPlainNumbers) {
    daemon_report report = test::make_young_report();
    report.thresholds.connecting = {milliseconds(500), milliseconds(1'500), std::chrono::hours(24)};
    report.census.over_threshold[static_cast<std::size_t>(session_status::connecting)] = {3, 2, 1};
    const test::read_exposition read = test::read_text_format(render(report));
    for (const auto& [age, count] :
         {std::pair("0.5", 3), std::pair("1.5", 2), std::pair("86400", 1)}) {
        EXPECT_EQ(read.value("kallglot_sessions_over_threshold",
                             {{"status", "connecting"}, {"threshold_seconds", age}}),
                  count);
    }
}

} // namespace
} // namespace kallglot
