#include "kallglot/polling/poll_plan.hpp"

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace kallglot {

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

// The life of a session that the plan assumes, in seconds.
constexpr double created_seconds = 2;
constexpr double connecting_seconds = 4;
constexpr double call_seconds = 300;
constexpr double life_seconds = created_seconds + connecting_seconds + call_seconds;

/// Polls that cannot wait for each new session: its first one, and nearly always one that confirms a threshold,
/// because the first poll often comes before the set-up is over.
constexpr double urgent_polls = 2;
/// The schedule reserves a fifth of the budget for routine polls; urgent ones share the rest.
constexpr double urgent_share = 0.8;

constexpr double fast_latency = 0.1;
constexpr double slow_latency = 0.3;
/// Both timestamps of an age are whole seconds. An alert waits for their rounding too, so that it is never false.
constexpr double timestamp_seconds = 2;
/// A lost request is retried after this time.
constexpr double retry_seconds = 0.5;

// Memory, as estimates for sizing: a daemon at rest and the goal for one connection, both rounded up.
constexpr std::uint64_t base_bytes = 24 << 20;
constexpr std::uint64_t connection_bytes = 48 << 10;
/// Record, entry in the schedule (16), entry in the index (10) and the text of the id (32).
constexpr std::uint64_t session_bytes = sizeof(session_record) + 16 + 10 + 32;

double seconds_of(milliseconds value) noexcept {
    return std::chrono::duration<double>(value).count();
}

/// Routine polls of one average session, a second.
double routine_rate(const poll_intervals& intervals) noexcept {
    return (created_seconds / seconds_of(intervals.created)
            + connecting_seconds / seconds_of(intervals.connecting)
            + call_seconds / seconds_of(intervals.active))
           / life_seconds;
}

/// The first age at which a session that never starts raises an alert.
double first_alert_age(const threshold_settings& thresholds) noexcept {
    double first = unlimited;
    for (const auto* const list : {&thresholds.not_started, &thresholds.created}) {
        first = list->empty() ? first : std::min(first, seconds_of(list->front()));
    }
    return first;
}

std::size_t connections_for(double rate, double latency) {
    return std::max<std::size_t>(static_cast<std::size_t>(std::ceil(rate * latency)), 1);
}

plan_row make_row(const settings& values, std::size_t sessions, double allowed) {
    const auto count = static_cast<double>(sessions);
    // In a steady state as many sessions begin as end.
    const double arrivals = count / life_seconds;
    const double routine = count * routine_rate(values.poll.intervals);

    plan_row row;
    row.sessions = sessions;
    row.demand = routine + arrivals;
    row.budget = allowed;
    // Whichever is scarcer bounds the rate: the budget, or the connections at a slow API.
    const auto max_connections = static_cast<double>(values.api.max_connections);
    const double possible = std::min(allowed, max_connections / slow_latency);
    double queueing = 0;
    // Beyond that rate, routine intervals stretch first: urgent polls go ahead of them.
    if (row.demand > possible) {
        const double urgent = urgent_polls * arrivals;
        const double left = std::max(possible - urgent, (1 - urgent_share) * possible);
        row.stretch = std::max(1.0, routine / left);
        // Urgent polls wait for each other only. Beyond their share of the budget their queue grows without end.
        const double load = urgent / (urgent_share * possible);
        queueing = load < 1 ? (1 + 5 * load / (1 - load)) / possible : unlimited;
    }
    // From creation: the alert's age, the rounding of timestamps, one retry, two slow exchanges, and the queue.
    row.worst_detection = first_alert_age(values.thresholds) + timestamp_seconds + retry_seconds
                          + 2 * slow_latency + queueing;
    // Little's law: connections in use are rate times latency.
    const double sent = std::min(row.demand, allowed);
    row.connections_fast = connections_for(sent, fast_latency);
    row.connections_slow = connections_for(sent, slow_latency);
    const std::size_t open = std::min(row.connections_slow, values.api.max_connections);
    row.memory_bytes = base_bytes + sessions * session_bytes + open * connection_bytes;
    return row;
}

std::string number(double value, int digits) {
    if (std::isinf(value)) {
        return "-";
    }
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(),
                                   text.data() + text.size(),
                                   value,
                                   std::chars_format::fixed,
                                   digits);
    return std::string(text.data(), end.ptr);
}

/// Three figures are enough to plan with.
std::string rate_text(double value) {
    return number(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

void add_cell(std::string& line, std::string_view text, std::size_t width) {
    // At least one space, so that wide numbers do not run into each other.
    line.append(text.size() < width ? width - text.size() : 1, ' ');
    line += text;
}

constexpr std::array<std::size_t, 8> widths = {10, 10, 10, 9, 10, 9, 9, 9};

void add_line(std::string& out, const std::array<std::string, widths.size()>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        add_cell(line, cells[i], widths[i]);
    }
    out += line + '\n';
}

void add_table(std::string& out, const settings& values, double allowed) {
    add_line(out,
             {"sessions", "demand/s", "budget/s", "stretch", "detects s", "conn", "conn", "MiB"});
    add_line(out, {"", "", "", "", "at worst", "100 ms", "300 ms", ""});
    for (const plan_row& row : make_poll_plan(values, allowed)) {
        // A number would be wrong: the delay grows for as long as the load lasts.
        const bool behind = std::isinf(row.worst_detection);
        add_line(out,
                 {std::to_string(row.sessions),
                  rate_text(row.demand),
                  std::isinf(row.budget) ? "no limit" : rate_text(row.budget),
                  number(row.stretch, 1),
                  behind ? "behind" : number(row.worst_detection, 1),
                  std::to_string(row.connections_fast),
                  std::to_string(row.connections_slow),
                  std::to_string(row.memory_bytes >> 20)});
    }
}

} // namespace

std::vector<plan_row> make_poll_plan(const settings& values, double allowed) {
    std::vector<plan_row> rows;
    // Powers of ten: an operator finds the own number between two rows.
    for (std::size_t sessions = 10; sessions <= 1'000'000; sessions *= 10) {
        rows.push_back(
            make_row(values, sessions, std::min(allowed, values.api.max_rate.per_second)));
    }
    return rows;
}

std::string describe_poll_plan(const settings& values) {
    std::string out = "request plan for calls of 5 minutes (tests/bench simulates it in detail):\n";
    switch (values.api.rate_limit.mode) {
        case rate_limit_mode::unlimited:
            out += "\nno account limit\n";
            add_table(out, values, unlimited);
            break;
        case rate_limit_mode::fixed: {
            const double fixed = values.api.rate_limit.fixed_rate.per_second;
            out += "\nfixed limit of " + rate_text(fixed) + " requests a second\n";
            add_table(out, values, fixed);
            break;
        }
        case rate_limit_mode::automatic:
            // The account's limit arrives with the first response, so the plan shows three usual ones.
            for (const int limit : {60, 600, 6000}) {
                out += "\naccount limit of " + std::to_string(limit)
                       + " requests a minute, budget share "
                       + number(100 * values.api.budget_share, 0) + " %\n";
                add_table(out, values, values.api.budget_share * limit / 60);
            }
            break;
    }
    out +=
        "\ndemand: requests that keep every interval, with the first poll of each new session.\n"
        "stretch: factor by which routine intervals grow.\n"
        "detects: longest time from the creation of a session that never starts to its alert.\n"
        "behind: more sessions begin than the budget has first polls; they are found late.\n"
        "conn: connections needed at that latency; api.max_connections allows "
        + std::to_string(values.api.max_connections)
        + ".\nAlerts are never false, whatever the budget.\n";
    return out;
}

} // namespace kallglot
