/// Opens one connection to the API: TCP, the CONNECT of a proxy, and TLS, each if it is configured.
///
/// The result is a channel: a socket and its TLS, ready for the first request. The transport that uses the channel is
/// not known here. There is no timer: the pool's sweep ends an opening that takes too long.

#ifndef KALLGLOT_NET_CLIENT_CONNECTION_OPENING_HPP
#define KALLGLOT_NET_CLIENT_CONNECTION_OPENING_HPP

#include "kallglot/settings/secret.hpp"
#include "net/client/api_channel.hpp"
#include "net/client/connection_scratch.hpp"
#include "net/client/connector.hpp"
#include "net/client/http_version_memory.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// Used once. Loop only. Lifetime: scratch outlives it; it outlives its open().
class connection_opening {
public:
    /// `tls` empty: plain HTTP. `tunnel` empty: no proxy; otherwise the bytes of the CONNECT request. `offer`: the
    /// versions of HTTP for the TLS handshake.
    connection_opening(loop_executor executor,
                       connection_scratch& scratch,
                       const std::optional<tls_context>& tls,
                       secret tunnel,
                       const http_offer& offer);
    connection_opening(const connection_opening&) = delete;
    connection_opening& operator=(const connection_opening&) = delete;

    /// Ends without error when the connection is open; take() then returns it.
    ///
    /// Errors: the errors of connector, proxy_refused, handshake_timeout, tls_failed, certificate_rejected,
    ///         http2_unavailable, unsolicited_data, or the reason passed to end().
    /// Cancel: through end().
    [[nodiscard]] task<error_code> open(std::vector<tcp_endpoint> addresses);

    /// Ends open() in a later turn of the loop. The first reason counts.
    void end(errc reason) noexcept;

    /// end() with the timeout error of the present step.
    void end_overdue() noexcept;

    /// The open connection. Precondition: open() has ended without error; called once.
    [[nodiscard]] api_channel take();

    /// The cause of a failure, for a log line; static text.
    [[nodiscard]] std::string_view detail() const noexcept { return detail_; }

    /// Whether the peer ended the connection in the middle of the handshake, without an alert.
    [[nodiscard]] bool broke_off() const noexcept;

    [[nodiscard]] const connector& attempts() const noexcept { return connector_; }

private:
    task<error_code> open_tunnel();
    task<error_code> shake_hands();
    task<result<std::size_t>> read_more();
    task<error_code> write_all();
    error_code agree();
    error_code read_early(std::span<const char> input);
    error_code fail(std::string_view detail, errc error) noexcept;

    connection_scratch& scratch_;
    connector connector_;
    api_channel channel_;
    secret tunnel_; ///< may contain the password of the proxy
    http_offer offer_;
    std::string backlog_; // bytes that the kernel has not taken yet
    std::string_view detail_;
    std::optional<errc> ended_;
    bool handshaking_ = false;
};

} // namespace kallglot

#endif
