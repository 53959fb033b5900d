#include "simulator/request_stats.hpp"

#include <algorithm>

namespace kallglot::simulator {

namespace {

constexpr std::chrono::milliseconds grace{250};

} // namespace

void request_stats::connection_opened() {
    ++connections_opened;
    connections_peak = std::max(connections_peak, ++connections_open);
}

void request_stats::request_begun(system_time now) {
    in_flight_peak = std::max(in_flight_peak, ++in_flight);
    note_second(now);
    if (now < pause_until_) {
        ++(now < pause_from_ + grace ? early_requests_in_grace : early_requests);
    }
}

void request_stats::answered(unsigned status) {
    if (status < answers_by_status.size()) {
        ++answers_by_status[status];
    }
}

void request_stats::pause_begun(system_time now, system_time until) {
    // Several 429s of one pause count once: the pause begins with the first.
    if (now >= pause_until_) {
        ++pauses;
        pause_from_ = now;
    }
    pause_until_ = std::max(pause_until_, until);
}

std::uint64_t request_stats::last_second_requests(system_time now) const {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second == second_) {
        return second_before_requests_;
    }
    return second == second_ + std::chrono::seconds{1} ? second_requests_ : 0;
}

void request_stats::note_second(system_time now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second != second_) {
        second_before_requests_ = last_second_requests(now);
        peak_second_requests = std::max(peak_second_requests, second_requests_);
        second_ = second;
        second_requests_ = 0;
    }
    ++second_requests_;
}

void request_stats::reset() {
    request_stats fresh;
    fresh.connections_open = connections_open;
    fresh.connections_peak = connections_open;
    fresh.in_flight = in_flight;
    fresh.webhooks.waiting = webhooks.waiting;
    fresh.in_flight_peak = in_flight;
    fresh.pause_from_ = pause_from_;
    fresh.pause_until_ = pause_until_;
    *this = fresh;
}

} // namespace kallglot::simulator
