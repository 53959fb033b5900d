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

/// What the schedule does with the requests of a new session.
struct urgent_rule {
    double polls; ///< that cannot wait, for each new session
    double share; ///< of the budget that they can use; routine polls have the rest
};

/// A first poll, and nearly always one that confirms a threshold, because the first often comes before the set-up is
/// over.
constexpr urgent_rule usual_rule{2, 0.8};
/// Below so many requests for each new session there is one poll, when it decides, and the confirms of the stuck ones.
constexpr double hard_below = 2.5;
constexpr urgent_rule hard_rule{1.08, 0.98};

/// The least requests for each new session that keep a promise: tests/bench/README.md, scenarios "a session".
constexpr double ends_each = 2;
constexpr double all_stuck_each = 1.15;
constexpr double half_stuck_each = 0.6;
constexpr double webhooks_each = 1.2;

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
    // Without any of these thresholds no alert can name such a session.
    double first = unlimited;
    for (const auto* const list : {&thresholds.not_started, &thresholds.created}) {
        first = list->empty() ? first : std::min(first, seconds_of(list->front()));
    }
    return first;
}

// Little's law.
std::size_t requests_in_flight(double rate, double latency) {
    return std::max<std::size_t>(static_cast<std::size_t>(std::ceil(rate * latency)), 1);
}

// The pool opens the next connection before those it has are full.
std::size_t http_2_connections(std::size_t requests, std::size_t streams) {
    return (5 * requests + 4 * streams - 1) / (4 * streams);
}

// Requests in flight that the limits allow. HTTP/2 is counted on only if the API must speak it.
std::size_t max_in_flight(const api_settings& api) {
    // With `auto` an API may still choose HTTP/1.1, and the plan must hold then.
    const bool multiplexed = api.http_version == http_version_choice::http_2;
    const std::size_t each = multiplexed ? api.max_streams_per_connection : 1;
    return std::min(api.max_requests_in_flight, api.max_connections * each);
}

plan_row make_row(const settings& values, std::size_t sessions, double allowed) {
    const auto count = static_cast<double>(sessions);
    // In a steady state as many sessions begin as end.
    // Little's law again: the number in the system is the rate of arrivals times the life.
    const double arrivals = count / life_seconds;
    const double routine = count * routine_rate(values.poll.intervals);

    plan_row row;
    row.sessions = sessions;
    row.demand = routine + arrivals;
    row.budget = allowed;
    // Whichever is scarcer bounds the rate: the budget, or the requests in flight at a slow API.
    const auto in_flight = static_cast<double>(max_in_flight(values.api));
    const double possible = std::min(allowed, in_flight / slow_latency);
    double queueing = 0;
    // Beyond that rate, routine intervals stretch first: urgent polls go ahead of them.
    if (row.demand > possible) {
        const urgent_rule& rule = possible < hard_below * arrivals ? hard_rule : usual_rule;
        const double urgent = rule.polls * arrivals;
        // Routine polls never starve: their share is theirs even if urgent polls could use all.
        const double left = std::max(possible - urgent, (1 - rule.share) * possible);
        row.stretch = std::max(1.0, routine / left);
        // Urgent polls wait for each other only. Beyond their share of the budget their queue grows without end.
        const double load = urgent / (rule.share * possible);
        // One queue with one server: the wait grows as load / (1 - load). Five, because the worst case is far beyond
        // the mean.
        queueing = load < 1 ? (1 + 5 * load / (1 - load)) / possible : unlimited;
    }
    // From creation: the alert's age, the rounding of timestamps, one retry, two slow exchanges, and the queue.
    row.worst_detection = first_alert_age(values.thresholds) + timestamp_seconds + retry_seconds
                          + 2 * slow_latency + queueing;
    // In flight is what is sent, which a small budget bounds.
    const double sent = std::min(row.demand, allowed);
    row.requests_fast = requests_in_flight(sent, fast_latency);
    row.requests_slow = requests_in_flight(sent, slow_latency);
    row.connections_http_1_1 = row.requests_slow;
    row.connections_http_2 =
        http_2_connections(row.requests_slow, values.api.max_streams_per_connection);
    // HTTP/1.1 needs more memory.
    const std::size_t open = std::min(row.connections_http_1_1, values.api.max_connections);
    row.memory_bytes = base_bytes + sessions * session_bytes + open * connection_bytes;
    return row;
}

std::string number(double value, int digits) {
    // Would print "inf", which says nothing to an operator.
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

constexpr std::array<std::size_t, 10> widths = {10, 10, 10, 9, 10, 11, 11, 10, 8, 9};

void add_line(std::string& out, const std::array<std::string, widths.size()>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        add_cell(line, cells[i], widths[i]);
    }
    out += line + '\n';
}

void add_table(std::string& out, const settings& values, double allowed) {
    add_line(out,
             {"sessions",
              "demand/s",
              "budget/s",
              "stretch",
              "detects s",
              "in flight",
              "in flight",
              "conn",
              "conn",
              "MiB"});
    add_line(out, {"", "", "", "", "at worst", "100 ms", "300 ms", "HTTP/1.1", "HTTP/2", ""});
    for (const plan_row& row : make_poll_plan(values, allowed)) {
        // A number would be wrong: the delay grows for as long as the load lasts.
        const bool behind = std::isinf(row.worst_detection);
        add_line(out,
                 {std::to_string(row.sessions),
                  rate_text(row.demand),
                  std::isinf(row.budget) ? "no limit" : rate_text(row.budget),
                  number(row.stretch, 1),
                  behind ? "behind" : number(row.worst_detection, 1),
                  std::to_string(row.requests_fast),
                  std::to_string(row.requests_slow),
                  std::to_string(row.connections_http_1_1),
                  std::to_string(row.connections_http_2),
                  std::to_string(row.memory_bytes >> 20)});
    }
}

void add_least_budgets(std::string& out, const settings& values) {
    out += "\nleast requests a minute for the daemon alone";
    if (values.api.rate_limit.mode == rate_limit_mode::automatic) {
        out += " (the account's limit times api.budget_share)";
    }
    out += ":\n";
    add_line(out, {"sessions", "new/min", "intervals", "ends", "alerts", "half", "webhooks", ""});
    for (std::size_t sessions = 10; sessions <= 1'000'000; sessions *= 10) {
        const least_budgets least = least_budgets_for(values, sessions);
        const auto cell = [](double a_minute) {
            return number(std::ceil(a_minute), 0);
        };
        add_line(out,
                 {std::to_string(sessions),
                  rate_text(least.new_sessions),
                  cell(least.intervals),
                  cell(least.ends),
                  cell(least.all_stuck),
                  cell(least.half_stuck),
                  cell(least.webhooks),
                  ""});
    }
    out +=
        "intervals: every interval is kept. ends: ends are seen, alerts come within 5 s.\n"
        "alerts: every alert within 12 s. half: half of them within 10 s, the others are "
        "unobserved.\n"
        "webhooks: as ends, with reliable webhooks.\n";
}

} // namespace

least_budgets least_budgets_for(const settings& values, std::size_t sessions) {
    const double a_minute = 60 * static_cast<double>(sessions) / life_seconds;
    least_budgets least;
    least.sessions = sessions;
    least.new_sessions = a_minute;
    least.intervals =
        60 * static_cast<double>(sessions) * routine_rate(values.poll.intervals) + a_minute;
    least.ends = ends_each * a_minute;
    least.all_stuck = all_stuck_each * a_minute;
    least.half_stuck = half_stuck_each * a_minute;
    least.webhooks = webhooks_each * a_minute;
    return least;
}

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
    add_least_budgets(out, values);
    out +=
        "\ndemand: requests that keep every interval, with the first poll of each new session.\n"
        "stretch: factor by which routine intervals grow.\n"
        "detects: longest time from the creation of a session that never starts to its alert.\n"
        "behind: more sessions begin than the budget has first polls; they are found late.\n"
        "in flight: requests at a time at that latency; api.max_requests_in_flight allows "
        + std::to_string(values.api.max_requests_in_flight)
        + ".\nconn: connections for them at 300 ms, by version of HTTP; api.max_connections allows "
        + std::to_string(values.api.max_connections)
        + ".\nAlerts are never false, whatever the budget.\n";
    return out;
}

} // namespace kallglot
