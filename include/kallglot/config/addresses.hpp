/// Texts of URLs and addresses, taken apart: the API's base URL, the proxy, listen addresses.
///
/// Strict, and pure: no name is looked up. An error text never repeats a URL, because people put
/// credentials into URLs.

#ifndef KALLGLOT_CONFIG_ADDRESSES_HPP
#define KALLGLOT_CONFIG_ADDRESSES_HPP

#include "config/parsed.hpp"
#include "kallglot/settings/settings.hpp"

#include <string_view>

namespace kallglot::config {

/// Reads `https://host[:port][/path]`; a slash at the end of the path is dropped.
///
/// Whether http:// may be used is decided by the caller.
///
/// Source: RFC 3986 sections 3.2 and 3.3.
/// Errors: user information, query, fragment, odd characters, bad hosts and ports are refused.
[[nodiscard]] parsed<api_endpoint> parse_base_url(std::string_view text);

/// Reads `http://host:port`, with an optional slash at the end.
[[nodiscard]] parsed<proxy_endpoint> parse_proxy_url(std::string_view text);

/// Reads `host:port`, `:port` or `[::1]:port`; port 0 lets the system pick one.
[[nodiscard]] parsed<listen_address> parse_listen_address(std::string_view text);

/// Reads the path of a URL, without a query: as it stands in a request, with nothing to unescape.
[[nodiscard]] parsed<std::string> parse_route(std::string_view text);

/// Whether this host can only be this machine: `localhost`, 127.0.0.0/8, ::1.
[[nodiscard]] bool is_loopback(std::string_view host);

} // namespace kallglot::config

#endif
