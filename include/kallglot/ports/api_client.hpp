/// Port between the poller and the API: one GET in, one answer out.
///
/// The daemon implements it with a pool of TLS connections, tests with a model of the API on virtual time. It uses
/// callbacks instead of awaitables: a coroutine for each poll would cost more than the poll itself. The connection
/// has the coroutine.

#ifndef KALLGLOT_PORTS_API_CLIENT_HPP
#define KALLGLOT_PORTS_API_CLIENT_HPP

#include "kallglot/api/api_error_parser.hpp"
#include "kallglot/api/response_headers.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/polling/request_permit.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kallglot {

/// One GET /v1/sessions/{id}.
struct get_request {
    session_slot slot;
    session_id id;
    /// Use a connection that has carried no request yet: for the one retry after
    /// errc::reused_connection_closed.
    bool fresh_connection = false;
};

/// The answer to one get_request. Either `error` or `http_status` is set; `snapshot` has data only after a valid 200.
struct api_answer {
    session_slot slot = no_slot;
    error_code error;
    std::string_view detail; ///< details of the failure for the log; static text, may be empty
    int http_status = 0;     ///< 0 without a complete and valid response
    session_snapshot snapshot;
    response_headers headers;       ///< of any complete header, also if the body is bad
    api_error problem;              ///< from the body of a response other than 200
    steady_time sent = no_time;     ///< first byte written; no_time if nothing was
    steady_time received = no_time; ///< last byte read, or the moment of failure
};

/// Receives every answer, on the loop, exactly once for each get().
class api_listener {
public:
    virtual ~api_listener() = default;

    /// Called when the connection is idle or closed again, so it may call get().
    virtual void on_answer(const api_answer& answer) = 0;

protected:
    api_listener() = default;
    api_listener(const api_listener&) = default;
    api_listener& operator=(const api_listener&) = default;
};

/// Counts for the metrics. The totals never fall.
struct api_connection_counts {
    std::size_t idle = 0;
    std::size_t busy = 0;
    std::size_t opening = 0;
    std::uint64_t opened_total = 0;
    std::uint64_t tls_handshakes_total = 0;
    std::uint64_t tls_resumptions_total = 0;
    /// Expiry of the API's certificate as last seen, Unix seconds; 0 if none was seen.
    std::int64_t certificate_not_after = 0;

    void report(gauge_sink& gauges) const {
        gauges.set(metric::api_connections, "idle", static_cast<double>(idle));
        gauges.set(metric::api_connections, "busy", static_cast<double>(busy));
        gauges.set(metric::api_connections, "opening", static_cast<double>(opening));
        gauges.set(metric::api_connections_opened, static_cast<double>(opened_total));
        gauges.set(metric::api_tls_handshakes, static_cast<double>(tls_handshakes_total));
        gauges.set(metric::api_tls_resumptions, static_cast<double>(tls_resumptions_total));
        if (certificate_not_after != 0) {
            gauges.set(metric::api_certificate_not_after,
                       static_cast<double>(certificate_not_after));
        }
    }
};

/// Sends requests to the API. Loop only.
class api_client {
public:
    virtual ~api_client() = default;

    /// Number of get() calls that are accepted now: idle connections and those that may be opened, minus the requests
    /// that wait for one. Grows only just before an on_answer().
    [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;

    /// Sends the GET on the most recently used idle connection, or on one opened for it.
    ///
    /// Precondition: capacity() > 0, or request.fresh_connection. The listener gets exactly one answer, never within
    /// this call.
    /// Errors: every errc of the groups "reaching the API" to "content of an answer", in the answer.
    virtual void get(request_permit permit, const get_request& request) = 0;

    [[nodiscard]] virtual api_connection_counts connections() const noexcept = 0;

protected:
    api_client() = default;
    api_client(const api_client&) = default;
    api_client& operator=(const api_client&) = default;
};

} // namespace kallglot

#endif
