#include "net/client/api_transport.hpp"

#include "net/client/http1_connection.hpp"
#include "net/client/http2_connection.hpp"

#include <chrono>
#include <cmath>
#include <utility>

namespace kallglot {

namespace {

// An HTTP/2 connection is replaced when it is that old, 20 % more or less: before servers and load balancers end it,
// usually after an hour.
constexpr steady_duration max_age = std::chrono::minutes(30);

// Spread, so that connections opened together do not end together.
steady_duration age_limit(std::uint64_t number) noexcept {
    // The golden ratio spreads the numbers evenly.
    const double part = std::fmod(static_cast<double>(number % 1'000'000) * 0.618'033'988'75, 1.0);
    return std::chrono::duration_cast<steady_duration>(max_age * (0.8 + 0.4 * part));
}

} // namespace

std::unique_ptr<api_connection> make_transport(api_channel channel,
                                               pooled_connection& owner,
                                               const transport_parts& parts,
                                               std::uint64_t number,
                                               steady_time now) {
    const api_settings& settings = parts.settings;
    if (channel.version == http_version::http_1_1) {
        return std::make_unique<http1_connection>(std::move(channel),
                                                  parts.listener,
                                                  parts.scratch,
                                                  settings.max_response_size_bytes);
    }
    http2_connection::options options;
    options.limits.max_streams = parts.versions.streams(settings.max_streams_per_connection, now);
    options.limits.body_limit_bytes = settings.max_response_size_bytes;
    // What the client has learned of this server: how many requests a connection lasts, and whether it complained
    // about pings.
    options.limits.max_requests = parts.versions.max_requests();
    options.limits.may_ping = !parts.versions.is_calm(now);
    options.limits.place_kept_after = settings.request_timeout;
    options.retire_at = now + age_limit(number);
    options.send_timeout = settings.connect_timeout;
    return std::make_unique<http2_connection>(std::move(channel),
                                              owner,
                                              parts.listener,
                                              parts.scratch,
                                              options);
}

} // namespace kallglot
