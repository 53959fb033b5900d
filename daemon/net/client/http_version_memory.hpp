/// What the API's servers were seen to speak, and how long their HTTP/2 connections last.
///
/// Every new connection agrees on its version again, so a change of the servers costs nothing. The memory decides how
/// many connections are opened, and what they offer. Pure: no connection and no clock.

#ifndef KALLGLOT_NET_CLIENT_HTTP_VERSION_MEMORY_HPP
#define KALLGLOT_NET_CLIENT_HTTP_VERSION_MEMORY_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/settings/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// The versions that a connection offers during the TLS handshake.
struct http_offer {
    bool http_1_1 = true;
    bool http_2 = false;

    /// The offer in the form of ALPN (RFC 7301): each name behind its length.
    [[nodiscard]] std::string_view alpn() const noexcept;

    /// The version that the server chose; empty: it does not use ALPN, which means HTTP/1.1. Nothing if the version
    /// was not offered.
    [[nodiscard]] std::optional<http_version> accept(std::string_view chosen) const noexcept;

    [[nodiscard]] bool operator==(const http_offer&) const noexcept = default;
};

/// Loop only.
class http_version_memory {
public:
    /// Starts without knowledge: at the start, and for another host or another choice. Without TLS there is no
    /// agreement, and so no HTTP/2.
    void reset(http_version_choice choice, bool tls) noexcept;

    [[nodiscard]] http_offer offer(steady_time now) const noexcept;

    /// What the next connection will speak if the servers have not changed; nothing if that is not known.
    [[nodiscard]] std::optional<http_version> expected(steady_time now) const noexcept;

    void note_agreed(http_version agreed) noexcept { agreed_ = agreed; }

    /// The API demanded HTTP/1.1 (HTTP_1_1_REQUIRED): no HTTP/2 is offered for ten minutes, unless the operator allows
    /// nothing else.
    void note_http_1_1_required(steady_time now) noexcept;

    /// A connection agreed on HTTP/2 and ended without one response. After three in a row as for HTTP_1_1_REQUIRED: so
    /// an API whose HTTP/2 is broken is polled as well as one without it.
    void note_barren(steady_time now) noexcept;

    void note_response() noexcept { barren_in_a_row_ = 0; }

    /// The API asked for less (ENHANCE_YOUR_CALM): half the streams, and no PING, for ten minutes.
    void note_calm(steady_time now) noexcept;

    [[nodiscard]] bool is_calm(steady_time now) const noexcept { return now < calm_until_; }

    /// How many requests a connection may carry at once.
    [[nodiscard]] std::size_t streams(std::size_t configured, steady_time now) const noexcept;

    /// The API ended a connection without an error after that many requests.
    void note_length(std::uint32_t requests) noexcept;

    /// After how many requests a connection is replaced: before the API ends it, if it does so regularly.
    [[nodiscard]] std::uint32_t max_requests() const noexcept;

private:
    http_version_choice choice_ = http_version_choice::automatic;
    bool tls_ = true;
    std::optional<http_version> agreed_;
    steady_time only_1_1_until_ = no_time;
    steady_time calm_until_ = no_time;
    int barren_in_a_row_ = 0;
    std::uint32_t last_length_ = 0;
    std::uint32_t length_ = 0; // seen twice in a row; 0: none
};

} // namespace kallglot

#endif
