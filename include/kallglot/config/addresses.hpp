/// Parsers of URLs and addresses: the API's base URL, the proxy, listen addresses, URL paths.
///
/// Strict and pure: no name is resolved. An error never repeats a URL, because people put credentials into URLs.

#ifndef KALLGLOT_CONFIG_ADDRESSES_HPP
#define KALLGLOT_CONFIG_ADDRESSES_HPP

#include "config/parsed.hpp"
#include "kallglot/settings/settings.hpp"

#include <string_view>

namespace kallglot::config {

/// Parses `https://host[:port][/path]`; a slash at the end of the path is dropped.
///
/// Accepts http:// too; the caller decides whether it is allowed.
///
/// Source: RFC 3986 sections 3.2 and 3.3.
/// Errors: user information, query, fragment, invalid characters, invalid hosts and ports are rejected.
[[nodiscard]] parsed<api_endpoint> parse_base_url(std::string_view text);

/// Parses `http://host:port`, with an optional slash at the end.
[[nodiscard]] parsed<proxy_endpoint> parse_proxy_url(std::string_view text);

/// Parses `host:port`, `:port` or `[::1]:port`; with port 0 the system picks one.
[[nodiscard]] parsed<listen_address> parse_listen_address(std::string_view text);

/// Parses a URL path as it appears in a request: no query, nothing to unescape.
[[nodiscard]] parsed<std::string> parse_route(std::string_view text);

/// Whether the host is always this machine: `localhost`, 127.0.0.0/8, ::1.
[[nodiscard]] bool is_loopback(std::string_view host);

} // namespace kallglot::config

#endif
