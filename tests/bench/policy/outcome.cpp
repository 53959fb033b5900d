#include "bench/policy/outcome.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

namespace kallglot::policy {

namespace {

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string percent(double share) {
    return share < 0 ? std::string("-") : fixed(100 * share, 1) + '%';
}

double share_in_time(const outcome& one) {
    return static_cast<double>(one.in_time)
           / static_cast<double>(std::max<std::uint64_t>(one.stuck, 1));
}

/// The columns of the table: texts aligned left, figures right.
struct column {
    const char* heading;
    int width;
};

constexpr std::array<column, 17> columns{{{"scenario", -32},
                                          {"policy", -15},
                                          {"budget", 7},
                                          {"at most", 8},
                                          {"false", 6},
                                          {"missed", 7},
                                          {"stuck", 7},
                                          {"in 10 s", 8},
                                          {"p50 s", 8},
                                          {"p99 s", 9},
                                          {"max s", 9},
                                          {"req/ses", 8},
                                          {"may/ses", 8},
                                          {"stretch", 8},
                                          {"refused", 8},
                                          {"late", 7},
                                          {"cpu s", 6}}};

void print_row(std::ostream& out, const std::array<std::string, columns.size()>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        std::array<char, 128> text{};
        std::snprintf(text.data(), text.size(), "%*s ", columns[i].width, cells[i].c_str());
        out << text.data();
    }
    out << '\n';
}

} // namespace

void print_table(std::ostream& out, const std::vector<outcome>& outcomes) {
    std::array<std::string, columns.size()> headings;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        headings[i] = columns[i].heading;
    }
    print_row(out, headings);
    std::string before;
    for (const outcome& one : outcomes) {
        if (!before.empty() && one.scenario != before) {
            out << '\n';
        }
        before = one.scenario;
        print_row(out,
                  {one.scenario,
                   to_string(one.policy),
                   percent(one.budget_spent),
                   percent(one.attainable),
                   std::to_string(one.false_alarms),
                   std::to_string(one.missed),
                   std::to_string(one.stuck),
                   one.stuck == 0 ? "-" : percent(share_in_time(one)),
                   fixed(one.delay.p50, 2),
                   fixed(one.delay.p99, 2),
                   fixed(one.delay.max, 2),
                   fixed(one.requests_each, 2),
                   one.spendable_each < 0 ? "-" : fixed(one.spendable_each, 2),
                   fixed(one.stretch, 1),
                   std::to_string(one.others_refused),
                   percent(one.late_share),
                   fixed(one.cpu_seconds, 1)});
    }
}

void print_json(std::ostream& out, const std::vector<outcome>& outcomes) {
    const auto number = [&out](const char* name, double value) {
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%.6g", value);
        out << ", \"" << name << "\": " << text.data();
    };
    const auto count = [&out](const char* name, std::uint64_t value) {
        out << ", \"" << name << "\": " << value;
    };
    out << "[\n";
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const outcome& one = outcomes[i];
        out << "  {\"scenario\": \"" << one.scenario << "\", \"policy\": \""
            << to_string(one.policy) << '"';
        count("seed", one.seed);
        count("sessions", one.sessions);
        count("requests", one.requests);
        count("busiest_minute", one.busiest_minute);
        count("throttled", one.throttled);
        number("budget_spent_ratio", one.budget_spent);
        number("attainable_budget_ratio", one.attainable);
        number("spendable_requests_per_session", one.spendable_each);
        count("false_alarms", one.false_alarms);
        count("stuck", one.stuck);
        count("missed", one.missed);
        count("detected", one.detected);
        number("in_time_ratio", share_in_time(one));
        number("in_time_p99_seconds", one.in_time_p99);
        count("others_refused", one.others_refused);
        number("outage_first_seconds", one.outage_first);
        number("outage_shown_ratio", one.outage_shown);
        number("delay_p50_seconds", one.delay.p50);
        number("delay_p99_seconds", one.delay.p99);
        number("delay_max_seconds", one.delay.max);
        number("requests_per_session", one.requests_each);
        number("stretch_mean", one.stretch);
        number("stretch_max", one.stretch_max);
        number("late_ratio", one.late_share);
        number("webhooks_flow_ratio", one.webhook_share);
        count("polled_twice", one.polled_twice);
        count("census_differs", one.census_differs);
        number("cpu_seconds", one.cpu_seconds);
        out << (i + 1 < outcomes.size() ? "},\n" : "}\n");
    }
    out << "]\n";
}

} // namespace kallglot::policy
