// The counters of the simulator: requests, responses, connections, peaks.

#ifndef KALLGLOT_SIMULATOR_REQUEST_STATS_HPP
#define KALLGLOT_SIMULATOR_REQUEST_STATS_HPP

#include "simulator/fault_plan.hpp"
#include "simulator/units.hpp"

#include <array>
#include <cstdint>

namespace kallglot::simulator {

/// Counters of webhook events by outcome. Loop only.
struct webhook_stats {
    std::uint64_t made{0};
    std::uint64_t delivered{0};
    std::uint64_t failed_attempts{0};
    std::uint64_t lost{0};     // dropped by webhook_lost
    std::uint64_t given_up{0}; // dropped after the last attempt, or because too many wait
    std::uint64_t waiting{0};
};

/// Counters of HTTP/2. Loop only.
struct http2_stats {
    std::uint64_t connections{0};
    std::uint64_t requests{0};     // to the API
    std::uint64_t streams_peak{0}; // of one connection
    std::uint64_t goaways{0};
    std::uint64_t dropped_requests{0};   // behind a GOAWAY, without an answer
    std::uint64_t cancelled_requests{0}; // RST_STREAM of a client before the end of the answer
    std::uint64_t client_pings{0};
    std::uint64_t client_goaways{0};
};

/// Counters since the start or the last reset. Loop only.
struct request_stats {
    std::uint64_t session_requests{0}; // GET /v1/sessions/{id}
    std::uint64_t other_requests{0};   // anything else that is not a control path
    std::uint64_t control_requests{0}; // paths that begin with /_
    std::uint64_t malformed_requests{0};
    std::array<std::uint64_t, 600> answers_by_status{}; // complete answers, by HTTP status
    std::array<std::uint64_t, fault_count> faults{};    // requests with each fault

    std::uint64_t connections_open{0};
    std::uint64_t connections_opened{0};
    std::uint64_t connections_peak{0};
    std::uint64_t handshakes{0};
    std::uint64_t handshakes_resumed{0};
    std::uint64_t handshakes_failed{0};

    std::uint64_t in_flight{0}; // API requests received and not yet answered
    std::uint64_t in_flight_peak{0};

    // Requests during the pause that a 429 required; those of the first 250 ms may have been in flight.
    std::uint64_t pauses{0};
    std::uint64_t early_requests{0};
    std::uint64_t early_requests_in_grace{0};

    http2_stats http2;
    webhook_stats webhooks;

    std::uint64_t peak_second_requests{0};

    void connection_opened();

    void connection_closed() { --connections_open; }

    void request_begun(system_time now);

    void request_over() { --in_flight; }

    void answered(unsigned status);

    /// Requests of the last whole second before `now`.
    [[nodiscard]] std::uint64_t last_second_requests(system_time now) const;

    /// Records a 429, sent at `now`, that requires a pause until `until`.
    void pause_begun(system_time now, system_time until);

    /// Sets the counters to 0. Open connections and requests in flight stay and become the peak.
    void reset();

private:
    void note_second(system_time now);

    system_time second_{}; // of the newest request
    std::uint64_t second_requests_{0};
    std::uint64_t second_before_requests_{0};
    system_time pause_from_{};
    system_time pause_until_{};
};

} // namespace kallglot::simulator

#endif
