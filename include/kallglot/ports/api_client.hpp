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
#include "kallglot/base/vocabulary.hpp"
#include "kallglot/polling/request_permit.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/tracking/session.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <array>
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

enum class http_version : std::uint8_t { http_1_1, http_2 };

/// The label value: the protocol's ALPN name (RFC 7301).
inline constexpr auto http_version_words = make_vocabulary<http_version>({
    {http_version::http_1_1, "http/1.1"},
    {http_version::http_2, "h2"},
});

/// Why a request is certain not to have been processed, so that the pool sends it again.
enum class resend_cause : std::uint8_t {
    goaway,            ///< the API ended the connection before this request
    refused,           ///< REFUSED_STREAM
    http_1_1_required, ///< the API wants this request over HTTP/1.1
    misdirected        ///< status 421: the API wants it over another connection
};

inline constexpr auto resend_cause_words = make_vocabulary<resend_cause>({
    {resend_cause::goaway, "goaway"},
    {resend_cause::refused, "refused"},
    {resend_cause::http_1_1_required, "http_1_1_required"},
    {resend_cause::misdirected, "misdirected"},
});

/// The error codes of RFC 9113 section 7, in the order of their numbers; `other` for any higher number.
enum class http2_code : std::uint8_t {
    no_error,
    protocol_error,
    internal_error,
    flow_control_error,
    settings_timeout,
    stream_closed,
    frame_size_error,
    refused_stream,
    cancel,
    compression_error,
    connect_error,
    enhance_your_calm,
    inadequate_security,
    http_1_1_required,
    other
};

inline constexpr auto http2_code_words = make_vocabulary<http2_code>({
    {http2_code::no_error, "no_error"},
    {http2_code::protocol_error, "protocol_error"},
    {http2_code::internal_error, "internal_error"},
    {http2_code::flow_control_error, "flow_control_error"},
    {http2_code::settings_timeout, "settings_timeout"},
    {http2_code::stream_closed, "stream_closed"},
    {http2_code::frame_size_error, "frame_size_error"},
    {http2_code::refused_stream, "refused_stream"},
    {http2_code::cancel, "cancel"},
    {http2_code::compression_error, "compression_error"},
    {http2_code::connect_error, "connect_error"},
    {http2_code::enhance_your_calm, "enhance_your_calm"},
    {http2_code::inadequate_security, "inadequate_security"},
    {http2_code::http_1_1_required, "http_1_1_required"},
    {http2_code::other, "other"},
});

/// The answer to one get_request. Either `error` or `http_status` is set; `snapshot` has data only after a valid 200.
struct api_answer {
    session_slot slot = no_slot;
    error_code error;
    std::string_view detail; ///< details of the failure for the log; static text, may be empty
    int http_status = 0;     ///< 0 without a complete and valid response
    /// Another request has already reported this lost connection: the API has failed once, not once for each request.
    bool shared_cause = false;
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
    std::array<std::size_t, http_version_words.size()> open{};
    std::size_t requests_in_flight = 0;
    std::size_t requests_waiting = 0;
    std::array<std::uint64_t, resend_cause_words.size()> resent_total{};
    std::array<std::uint64_t, http2_code_words.size()> goaways_total{};
    std::uint64_t streams_cancelled_total = 0;
    std::uint64_t opened_total = 0;
    std::uint64_t tls_handshakes_total = 0;
    std::uint64_t tls_resumptions_total = 0;
    /// Expiry of the API's certificate as last seen, Unix seconds; 0 if none was seen.
    std::int64_t certificate_not_after = 0;

    void report(gauge_sink& gauges) const {
        gauges.set(metric::api_connections, "idle", static_cast<double>(idle));
        gauges.set(metric::api_connections, "busy", static_cast<double>(busy));
        gauges.set(metric::api_connections, "opening", static_cast<double>(opening));
        report(gauges, metric::api_open_connections, http_version_words, open);
        gauges.set(metric::api_connections_opened, static_cast<double>(opened_total));
        gauges.set(metric::api_requests_in_flight, static_cast<double>(requests_in_flight));
        gauges.set(metric::api_requests_waiting, static_cast<double>(requests_waiting));
        report(gauges, metric::api_requests_resent, resend_cause_words, resent_total);
        report(gauges, metric::api_goaways, http2_code_words, goaways_total);
        gauges.set(metric::api_streams_cancelled, static_cast<double>(streams_cancelled_total));
        gauges.set(metric::api_tls_handshakes, static_cast<double>(tls_handshakes_total));
        gauges.set(metric::api_tls_resumptions, static_cast<double>(tls_resumptions_total));
        if (certificate_not_after != 0) {
            gauges.set(metric::api_certificate_not_after,
                       static_cast<double>(certificate_not_after));
        }
    }

private:
    // One series for each word of the label.
    template <class Words, class Counts>
    static void report(gauge_sink& gauges, metric which, const Words& words, const Counts& counts) {
        for (const auto& word : words) {
            gauges.set(which,
                       word.text,
                       static_cast<double>(counts[static_cast<std::size_t>(word.value)]));
        }
    }
};

/// Sends requests to the API. Loop only.
class api_client {
public:
    virtual ~api_client() = default;

    /// Number of get() calls that are accepted now: what the limits allow, minus the requests in flight and those that
    /// wait. Grows only just before an on_answer(), or before the one that follows next.
    [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;

    /// Sends the GET on an open connection with room, or on one opened for it.
    ///
    /// Precondition: capacity() > 0, or request.fresh_connection. The listener gets exactly one answer, never within
    /// this call.
    /// Errors: every errc of the groups "reaching the API" to "content of an answer", in the answer.
    virtual void get(request_permit permit, const get_request& request) = 0;

    /// Several get() may follow: their requests leave with flush(), together if the connection allows that. Not from inside
    /// on_answer(): the requests that follow from answers leave together anyway.
    virtual void hold() noexcept {}

    /// Sends what was held. Precondition: hold() in the same turn of the loop.
    virtual void flush() {}

    [[nodiscard]] virtual api_connection_counts connections() const noexcept = 0;

protected:
    api_client() = default;
    api_client(const api_client&) = default;
    api_client& operator=(const api_client&) = default;
};

} // namespace kallglot

#endif
