// One parser for the part `host[:port]` serves URLs, the proxy and listen addresses; the callers decide whether host
// and port are required. Messages never repeat the text, because a URL may contain credentials.

#include "kallglot/config/addresses.hpp"

#include "config/units.hpp"
#include "kallglot/base/text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace kallglot::config {

namespace {

// ASCII only: international names are in punycode in a URL.
bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// inet_pton accepts only the usual forms, not 127.1 or octal numbers.
bool is_address(int family, std::string_view host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(family, std::string(host).c_str(), bytes.data()) == 1;
}

// One label of a DNS name. Underscores are not allowed in DNS, but container networks use them.
bool is_label(std::string_view label) {
    // RFC 1035 section 2.3.4: a label has at most 63 bytes. is_host_name() bounds the name as a whole.
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-'
           && std::all_of(label.begin(), label.end(), [](char c) {
                  return is_alphanumeric(c) || c == '-' || c == '_';
              });
}

// A DNS name by its form; it is not resolved here. A dot at the end means that no search domain is appended.
bool is_host_name(std::string_view host) {
    if (host.ends_with('.')) {
        host.remove_suffix(1);
    }
    // 255 bytes on the wire, of which the length of the first label and the root take two.
    if (host.empty() || host.size() > 253) {
        return false;
    }
    // Every label must be valid; the last one also decides whether this is a name at all.
    std::string_view last;
    for (std::string_view rest = host; !rest.empty();) {
        const auto dot = std::min(rest.find('.'), rest.size());
        last = rest.substr(0, dot);
        if (!is_label(last)) {
            return false;
        }
        rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    // No top-level domain is a number: such a text is a mistyped IPv4 address, for example 10.0.0.300.
    return !host.ends_with('.')
           && !std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct host_and_port {
    std::string host;      // without brackets, lower case
    std::string_view port; // text after the colon; data() is null if there is no colon
    bool brackets = false;
};

// Splits `host[:port]`. The port is not parsed yet, because its allowed range differs.
parsed<host_and_port> split_authority(std::string_view text, bool empty_host_allowed) {
    host_and_port parts;
    std::string_view host = text;
    std::string_view rest;
    // An IPv6 address has colons of its own, so it must be in brackets.
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos || !is_address(AF_INET6, text.substr(1, close - 1))) {
            return parse_error{"invalid IPv6 address in brackets"};
        }
        parts.brackets = true;
        host = text.substr(1, close - 1);
        rest = text.substr(close + 1);
    } else {
        const auto colon = std::min(text.find(':'), text.size());
        host = text.substr(0, colon);
        rest = text.substr(colon);
        if (rest.find(':', 1) != std::string_view::npos) {
            return parse_error{
                "too many colons: an IPv6 address must be in brackets, for example [::1]:10455"};
        }
        // Only a listen address may have no host: it means all addresses.
        const bool good = is_address(AF_INET, host) || is_host_name(host);
        if (!good && !(host.empty() && empty_host_allowed)) {
            return parse_error{host.empty() ? "must have a host"
                                            : "invalid host: must be a host name or an IP address"};
        }
    }
    // After a bracket anything can follow; only a port is allowed.
    if (!rest.empty()) {
        if (rest.front() != ':') {
            return parse_error{"unexpected characters after the host"};
        }
        parts.port = rest.substr(1);
    }
    // Host names are case-insensitive; in lower case equal hosts compare equal.
    parts.host = host;
    std::ranges::transform(parts.host, parts.host.begin(), ascii_lower);
    return parts;
}

// Port 0 lets the system choose, which makes sense only for listeners.
parsed<std::uint16_t> parse_port(std::string_view text, std::uint16_t min_port) {
    const auto number = parse_count(text);
    if (!number || *number < min_port || *number > 65535) {
        return parse_error{"invalid port: must be " + std::to_string(min_port) + " to 65535"};
    }
    return static_cast<std::uint16_t>(*number);
}

// Characters allowed in a path, RFC 3986 section 3.3, and the percent sign of escapes.
bool is_path_character(char c) {
    return is_alphanumeric(c)
           || std::string_view("-._~!$&'()*+,;=:@%/").find(c) != std::string_view::npos;
}

// Takes `scheme://` off the front, case-insensitively.
bool take_scheme(std::string_view& text, std::string_view scheme) {
    if (!ascii_iequals(text.substr(0, scheme.size()), scheme)) {
        return false;
    }
    text.remove_prefix(scheme.size());
    return true;
}

// The port of a URL, which is optional: the scheme has a default.
parsed<std::uint16_t> port_or(std::string_view text, std::uint16_t usual) {
    return text.data() == nullptr ? parsed<std::uint16_t>(usual) : parse_port(text, 1);
}

// The path of a base URL, without the slashes at its end, because the path of a request begins with one.
parsed<std::string> parse_base_path(std::string_view path) {
    while (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    // The path goes into every request line as it is, so it must not break the line.
    if (!std::all_of(path.begin(), path.end(), is_path_character)) {
        return parse_error{"the path contains a character not allowed in a URL"};
    }
    return std::string(path);
}

} // namespace

parsed<api_endpoint> parse_base_url(std::string_view text) {
    api_endpoint endpoint;
    endpoint.text = std::string(text);
    std::string_view rest = text;
    endpoint.tls = take_scheme(rest, "https://");
    if (!endpoint.tls && !take_scheme(rest, "http://")) {
        return parse_error{"must be a URL that begins with https://"};
    }
    // The path of a request is appended, so nothing may follow the path of the base URL.
    if (rest.find_first_of("?#") != std::string_view::npos) {
        return parse_error{"must have no query and no fragment"};
    }
    // Credentials belong in a secret file: a URL is shown on the page /config.
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto authority = rest.substr(0, slash);
    if (authority.find('@') != std::string_view::npos) {
        return parse_error{"must have no user name and no password"};
    }
    auto parts = split_authority(authority, false);
    if (!parts) {
        return parse_error{parts.error()};
    }
    const std::uint16_t usual_port = endpoint.tls ? 443 : 80;
    const auto port = port_or(parts->port, usual_port);
    if (!port) {
        return parse_error{port.error()};
    }
    endpoint.port = *port;
    // The dot at the end of a name is for the DNS alone: certificates, SNI and servers do not know it. No DNS is asked
    // for localhost (RFC 6761 section 6.3), and the dot would hide it from /etc/hosts.
    if (parts->host.ends_with('.')) {
        parts->host.pop_back();
        endpoint.is_absolute = parts->host != "localhost";
    }
    // RFC 9110 section 7.2: the header has the port only if it is not the default, and IPv6 in brackets.
    endpoint.host_header = parts->brackets ? '[' + parts->host + ']' : parts->host;
    if (endpoint.port != usual_port) {
        endpoint.host_header += ':' + std::to_string(endpoint.port);
    }
    endpoint.host = std::move(parts->host);

    auto path = parse_base_path(rest.substr(slash));
    if (!path) {
        return parse_error{path.error()};
    }
    endpoint.path_prefix = std::move(*path);
    return endpoint;
}

// Only plain HTTP to the proxy: inside the tunnel the connection to the API has its own TLS.
parsed<proxy_endpoint> parse_proxy_url(std::string_view text) {
    std::string_view rest = text;
    if (!take_scheme(rest, "http://")) {
        return parse_error{"must be the URL of a proxy, for example http://proxy:3128"};
    }
    if (rest.find('@') != std::string_view::npos) {
        return parse_error{"must have no user name and no password"};
    }
    // People copy the URL with its slash from documentation; it means nothing here.
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    auto parts = split_authority(rest, false);
    if (!parts) {
        return parse_error{parts.error()};
    }
    // Proxies have no common default port: 3128, 8080 and others are usual.
    if (parts->port.data() == nullptr) {
        return parse_error{"must have a port, for example http://proxy:3128"};
    }
    const auto port = parse_port(parts->port, 1);
    if (!port) {
        return parse_error{port.error()};
    }
    return proxy_endpoint{std::string(text), std::move(parts->host), *port};
}

parsed<listen_address> parse_listen_address(std::string_view text) {
    // Without a host the listener binds to all addresses.
    auto parts = split_authority(text, true);
    if (!parts) {
        return parse_error{parts.error()};
    }
    if (parts->port.data() == nullptr) {
        return parse_error{"must have a port, for example 127.0.0.1:10455 or :10455"};
    }
    const auto port = parse_port(parts->port, 0);
    if (!port) {
        return parse_error{port.error()};
    }
    return listen_address{std::string(text), std::move(parts->host), *port};
}

parsed<std::string> parse_route(std::string_view text) {
    // Requests are compared byte by byte, so characters that clients escape are not allowed.
    const bool good =
        text.starts_with('/') && text.size() <= 256
        && std::all_of(text.begin(), text.end(), [](char c) {
               return c > ' ' && c < 0x7F
                      && std::string_view("?#\"<>\\^`{|}%").find(c) == std::string_view::npos;
           });
    if (!good) {
        return parse_error{"must be a URL path, for example /webhooks/kallglot"};
    }
    return std::string(text);
}

bool is_loopback(std::string_view host) {
    in_addr v4{};
    in6_addr v6{};
    const std::string text(host);
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        // All of 127.0.0.0/8, not 127.0.0.1 alone (RFC 1122 section 3.2.1.3).
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
        // Compared as bytes: the macro IN6_IS_ADDR_LOOPBACK uses old-style casts, which are errors here.
        const std::string_view bytes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
        return std::equal(bytes.begin(), bytes.end(), v6.s6_addr);
    }
    // Other names may resolve to loopback today and elsewhere tomorrow.
    return host == "localhost";
}

} // namespace kallglot::config
