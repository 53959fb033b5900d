// The switches: which faults are enabled, for which share of the requests.
//
// To add a fault: an enumerator, a name, and a case in api_faults.cpp (content), http1_answer.cpp (HTTP/1.1) or
// http2_session.cpp and http2_frames.cpp (HTTP/2).

#ifndef KALLGLOT_SIMULATOR_FAULT_PLAN_HPP
#define KALLGLOT_SIMULATOR_FAULT_PLAN_HPP

#include "simulator/alpn.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// The faults of one request to the API.
enum class fault : std::uint8_t {
    none,
    unauthorized,     // 401
    payment_required, // 402
    forbidden,        // 403
    not_found,        // 404 for a session that exists
    gone,             // 410
    rate_limited,     // 429, with `retry_after`
    server_error,     // 500 with the documented envelope
    bad_gateway,      // 502 with HTML, as a proxy answers
    unavailable,      // 503 with HTML
    close,            // the connection is closed without an answer
    truncate,         // closed in the middle of the body
    hang,             // no answer, the connection stays
    not_json,         // 200 with HTML
    empty_body,       // 200 with nothing
    wrong_id,         // 200 with the id of another session
    unknown_status,   // 200 with an undocumented status
    hostile_words, // 200 with status, mode and provider that would break a metric if they got into one
    redirect,      // 302 to another host
    chunked,       // a good answer in chunks
    connection_close, // a good answer with Connection: close
    interim,          // 103 before the good answer
    two_responses,    // a second response without a request
    drip,             // a good answer, one byte a second
    endless,          // chunks that never end
    huge,             // the beginning of a body with a Content-Length of a gibibyte
    deep,             // 200 with 100,000 nested arrays
    garbage,          // bytes that are not HTTP
    trailers,         // a good answer in chunks, with a trailer of 64 KiB
    wrong_types,      // 200 with numbers for texts and objects for times
    bad_dates,        // 200 with invalid times, or times of other centuries
    backwards,        // 200 with `created`, whatever the true status is
    misdirected,      // 421
    bad_status,       // a good answer with the status 999
    late,             // a good answer after `late_by`
    interim_flood,    // 20 times 103 before the good answer
    longer_body,      // ten bytes more than Content-Length says
    shorter_body,     // ten bytes fewer

    // In HTTP/2 only; requests of HTTP/1.1 do not meet them. These before the API has read the request:
    refused_stream,    // RST_STREAM(REFUSED_STREAM)
    http_1_1_required, // RST_STREAM(HTTP_1_1_REQUIRED)
    goaway,            // GOAWAY with `goaway_code`, which excludes the request
    // One stream:
    reset_stream,    // RST_STREAM with `reset_code` instead of an answer
    reset_body,      // the same in the middle of the body
    trailer_field,   // a good answer with a trailer
    forbidden_field, // a good answer with the field `connection`
    // The whole connection:
    push_promise,    // PUSH_PROMISE before the good answer
    window_overflow, // WINDOW_UPDATE of 2^31-1, twice
    idle_stream,     // DATA on a stream that does not exist
    goaway_rising,   // a second GOAWAY with a higher last stream
    hpack_bomb,      // 147 KB of fields that unpack to 551 MB
    stall,           // nothing is read or sent any more
    // Frames without end, until the client closes:
    ping_flood,
    settings_flood,
    window_flood, // WINDOW_UPDATE of 1
    priority_flood,
    reset_flood, // RST_STREAM, of a stream that is closed
    unknown_flood,
    empty_data_flood,
    continuation_flood,
    window_overrun, // DATA, whatever the window is
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::window_overrun) + 1;

/// Whether HTTP/1.1 has no such fault.
[[nodiscard]] constexpr bool is_http2_fault(fault kind) {
    return kind >= fault::refused_stream;
}

/// Whether the API does not see a request with this fault.
[[nodiscard]] constexpr bool is_unprocessed(fault kind) {
    return kind == fault::refused_stream || kind == fault::http_1_1_required
           || kind == fault::goaway;
}

[[nodiscard]] constexpr bool is_flood(fault kind) {
    return kind >= fault::ping_flood;
}

[[nodiscard]] std::string_view to_text(fault kind);
[[nodiscard]] std::optional<fault> fault_from_text(std::string_view name);

/// Faults of webhooks: shares of the events, each drawn independently.
struct webhook_faults {
    double lost{0};
    double late{0}; ///< by `delay`
    double twice{0};
    double shuffled{0}; ///< by up to two seconds, so that they overtake each other
    std::chrono::milliseconds delay{std::chrono::minutes{2}};
};

/// Settings of HTTP/2 and of its faults. Codes are those of RFC 9113, section 7.
struct http2_plan {
    /// SETTINGS_MAX_CONCURRENT_STREAMS. Open connections get a change at once.
    std::uint32_t max_streams{100};

    std::uint32_t reset_code{8};  ///< CANCEL
    std::uint32_t goaway_code{0}; ///< NO_ERROR

    /// Bytes of DATA that follow on each stream that the client cancels, whatever the window is.
    std::uint64_t cancelled_bytes{0};
};

/// The switches. Loop only; may be changed between any two requests.
struct fault_plan {
    /// Share of requests that meet each fault, 0 to 1; together at most 1. That of `none` is
    /// ignored.
    std::array<double, fault_count> shares{};

    /// Value of Retry-After with a 429, sent unchanged. Exceptions: `date+N` becomes the HTTP date in N seconds, and an
    /// empty text omits the field.
    std::string retry_after{"1"};

    /// The delay of every answer: `latency` and up to `jitter` more.
    std::chrono::milliseconds latency{0};
    std::chrono::milliseconds jitter{0};

    /// The additional delay of `late`.
    std::chrono::milliseconds late_by{std::chrono::seconds{15}};

    webhook_faults webhooks;
    alpn_plan alpn;
    http2_plan http2;

    /// Answers after which a connection is closed; the last one says `Connection: close`, or, in HTTP/2, GOAWAY: as nginx
    /// does after 1,000 requests, requests behind the last one are dropped. 0: never.
    std::uint64_t close_after{0};

    [[nodiscard]] double share_of(fault kind) const {
        return shares[static_cast<std::size_t>(kind)];
    }

    void set(fault kind, double share) { shares[static_cast<std::size_t>(kind)] = share; }

    /// The fault of a request; `position` is a draw from [0, 1).
    [[nodiscard]] fault choose(double position) const;
};

/// The pause that a 429 with this Retry-After requires; nothing if the value is neither seconds nor a date.
[[nodiscard]] std::optional<std::chrono::seconds> pause_of(std::string_view retry_after);

/// Applies a JSON object such as `{"rate_limited":0.1,"retry_after":"5","latency":"300ms"}`;
/// `"reset":true` first restores the defaults. Other fields do not change.
///
/// Errors:     a text; the plan is unchanged
[[nodiscard]] std::optional<std::string> apply_json(fault_plan& plan, std::string_view text);

/// The plan as such an object, without faults with a share of 0.
[[nodiscard]] std::string to_json(const fault_plan& plan);

} // namespace kallglot::simulator

#endif
