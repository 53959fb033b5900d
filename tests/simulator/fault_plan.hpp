// The switches: which faults are enabled, for which share of the requests.
//
// Faults are a table: a new one is an enumerator, a name, and a case where answers are made.

#ifndef KALLGLOT_SIMULATOR_FAULT_PLAN_HPP
#define KALLGLOT_SIMULATOR_FAULT_PLAN_HPP

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
    huge,             // a body that says to be a gibibyte, and begins to be
    deep,             // 200 with arrays in arrays, 100,000 of them
    garbage,          // bytes that are no HTTP
    trailers,         // a good answer in chunks, and a trailer of 64 KiB behind them
    wrong_types,      // 200 with numbers for texts and objects for times
    bad_dates,        // 200 with times that are none, or of other centuries
    backwards,        // 200 with `created`, however far the session is
};
inline constexpr std::size_t fault_count = 32;

[[nodiscard]] std::string_view to_text(fault kind);
[[nodiscard]] std::optional<fault> fault_from_text(std::string_view name);

/// What happens to webhooks on their way: shares of the events, each drawn on its own.
struct webhook_faults {
    double lost{0};
    double late{0}; ///< by `delay`
    double twice{0};
    double shuffled{0}; ///< by up to two seconds, so that they overtake each other
    std::chrono::milliseconds delay{std::chrono::minutes{2}};
};

/// The switches. Loop only; may be changed between any two requests.
struct fault_plan {
    /// Share of requests that meet each fault, 0 to 1; together at most 1. That of `none` is
    /// ignored.
    std::array<double, fault_count> shares{};

    /// Value of Retry-After with a 429: sent as it stands, except that `date+N` becomes the HTTP
    /// date in N seconds and an empty text leaves the field out.
    std::string retry_after{"1"};

    /// Every answer waits `latency` and up to `jitter` more.
    std::chrono::milliseconds latency{0};
    std::chrono::milliseconds jitter{0};

    webhook_faults webhooks;

    /// A connection is closed after so many answers, the last one saying so; 0 never does.
    std::uint64_t close_after{0};

    [[nodiscard]] double share_of(fault kind) const {
        return shares[static_cast<std::size_t>(kind)];
    }

    void set(fault kind, double share) { shares[static_cast<std::size_t>(kind)] = share; }

    /// Which fault a request meets, `position` being a draw from [0, 1).
    [[nodiscard]] fault choose(double position) const;
};

/// How long a 429 with this Retry-After asks to wait; nothing if it does not say it in seconds or
/// as a date.
[[nodiscard]] std::optional<std::chrono::seconds> pause_of(std::string_view retry_after);

/// Applies a JSON object such as `{"rate_limited":0.1,"retry_after":"5","latency":"300ms"}`;
/// `"reset":true` puts everything back first. Fields not named stay as they are.
///
/// Errors:     says what is wrong, and leaves the plan as it was
[[nodiscard]] std::optional<std::string> apply_json(fault_plan& plan, std::string_view text);

/// The plan as such an object, faults with a share of 0 left out.
[[nodiscard]] std::string to_json(const fault_plan& plan);

} // namespace kallglot::simulator

#endif
