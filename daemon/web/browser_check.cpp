#include "web/browser_check.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <string_view>

namespace kallglot {

namespace {

// The host of `host:port` or `[::1]:port`, without port and brackets.
std::string_view host_of(std::string_view authority) {
    if (authority.starts_with('[')) {
        return authority.substr(1, authority.find(']') - 1);
    }
    // A name without a port has no colon: substr() with npos takes all of it.
    return authority.substr(0, authority.find(':'));
}

// No name of DNS has only digits and dots, or brackets: an address cannot be made to resolve to another one.
bool is_address(std::string_view authority) {
    return (authority.starts_with('[') && authority.find(']') != std::string_view::npos)
           || std::ranges::all_of(host_of(authority),
                                  [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Whether the request names this listener. A request without a host comes from no browser.
bool names_this_host(std::string_view authority, const api_endpoint* external) {
    const std::string_view host = host_of(authority);
    return authority.empty() || is_address(authority) || ascii_iequals(host, "localhost")
           || (external != nullptr && ascii_iequals(host, external->host));
}

// Whether the page that sends the request is one of ours: of the host that the request names, or behind the proxy.
bool is_our_page(std::string_view origin, std::string_view host, const api_endpoint* external) {
    constexpr std::string_view slashes = "://";
    // `https://host:port` (RFC 6454 section 6.2). The scheme is not compared: behind a proxy that ends TLS it differs
    // from ours.
    const std::size_t scheme = origin.find(slashes);
    // Also `null`, the origin of a page that hides its own.
    if (scheme == std::string_view::npos) {
        return false;
    }
    const std::string_view page = origin.substr(scheme + slashes.size());
    return ascii_iequals(page, host)
           || (external != nullptr && ascii_iequals(page, external->host_header));
}

} // namespace

browser_verdict check_browser(const http_request& request, const api_endpoint* external) {
    const std::string_view host = request.field("Host");
    // Elsewhere a listener may have any name in DNS, and a password is the protection.
    // Against DNS rebinding: the name of a foreign page is made to lead to 127.0.0.1, and the browser sends that name
    // as host.
    if (request.client.on_loopback && !names_this_host(host, external)) {
        return browser_verdict::foreign_host;
    }
    // Reading is safe: without fields of CORS in the answer a browser does not show it to the page.
    const bool only_reads =
        request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
    if (only_reads) {
        return browser_verdict::accepted;
    }
    const std::string_view origin = request.field("Origin");
    // Browsers send at least one of the two fields with such a request. Programs send neither, and are no danger of
    // this kind.
    const bool is_foreign = ascii_iequals(request.field("Sec-Fetch-Site"), "cross-site")
                            || (!origin.empty() && !is_our_page(origin, host, external));
    return is_foreign ? browser_verdict::foreign_page : browser_verdict::accepted;
}

} // namespace kallglot
