/// Where something is reached or listens: the parsed form of the URLs and addresses of the configuration.
///
/// The readers of the configuration and of the command line fill these; the network code uses the parts and
/// never parses text again. No name is resolved here.

#ifndef KALLGLOT_CORE_SETTINGS_ENDPOINT_HPP
#define KALLGLOT_CORE_SETTINGS_ENDPOINT_HPP

#include <cstdint>
#include <string>

namespace kallglot {

/// Base URL of the API, taken apart.
struct api_endpoint {
    std::string text = "https://api.kallglot.com/v1"; ///< as configured, for people
    std::string host = "api.kallglot.com"; ///< name or address; IPv6 without brackets, lower case
    std::uint16_t port = 443;
    std::string host_header = "api.kallglot.com"; ///< value of `Host:`; with brackets and odd ports
    std::string path_prefix = "/v1"; ///< empty or begins with a slash; no slash at the end
    bool tls = true;

    [[nodiscard]] bool operator==(const api_endpoint&) const = default;
};

/// An HTTP proxy that tunnels with CONNECT.
struct proxy_endpoint {
    std::string text; ///< as configured, for people
    std::string host; ///< IPv6 without brackets
    std::uint16_t port = 0;

    [[nodiscard]] bool operator==(const proxy_endpoint&) const = default;
};

/// Address a listener binds to.
struct listen_address {
    std::string text; ///< as configured, for people
    std::string
        host; ///< IPv4 or IPv6 address without brackets, or a host name; empty = all addresses
    std::uint16_t port = 0; ///< 0 = the system picks one

    [[nodiscard]] bool operator==(const listen_address&) const = default;
};

} // namespace kallglot

#endif
