// Which protocol the server selects in the TLS handshake (ALPN), and which one it speaks.

#ifndef KALLGLOT_SIMULATOR_ALPN_HPP
#define KALLGLOT_SIMULATOR_ALPN_HPP

#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// Protocols that are accepted by default, the preferred one first.
inline constexpr std::string_view both_protocols = "h2,http/1.1";

/// Switches of the negotiation. They apply to connections that open later.
struct alpn_plan {
    /// As `both_protocols`; empty: as at the start; `none`: the server ignores the client's offer.
    std::string accepted;

    /// Selected whatever the client offers; empty: the server is honest.
    std::string forced;

    /// `agreed`, or `http/1.1`, `h2` or `nothing` whatever was agreed on. Without ALPN it is HTTP/1.1 in any case.
    std::string spoken{"agreed"};
};

/// The protocol for a client that offers `offered`, a list of names with their length in a byte before each.
///
/// Errors:     an empty text selects none; nothing refuses the handshake (no_application_protocol)
/// Source:     RFC 7301, section 3
[[nodiscard]] std::optional<std::string> select_protocol(std::string_view accepted,
                                                         std::string_view forced,
                                                         std::string_view offered);

} // namespace kallglot::simulator

#endif
