/// Protects the private listener from web pages: a foreign page must not use the browser of a person with access to the
/// listener.
///
/// Two ways are closed. A page that sends a request which changes something (a cross-site request). A page whose host
/// name is made to resolve to a loopback address, so that it may read the answers (DNS rebinding). Pure. It does not
/// replace credentials: other programs send the header fields that they like.

#ifndef KALLGLOT_WEB_BROWSER_CHECK_HPP
#define KALLGLOT_WEB_BROWSER_CHECK_HPP

#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/settings/settings.hpp"

#include <cstdint>

namespace kallglot {

enum class browser_verdict : std::uint8_t {
    accepted,
    foreign_page, ///< a page of another site wants to change something
    foreign_host, ///< the request names a host that is not this listener
};

/// `external` is the URL at which a proxy shows the listener; null without one.
///
/// Source: the Fetch standard for Origin and Sec-Fetch-Site, which browsers set and pages cannot change.
[[nodiscard]] browser_verdict check_browser(const http_request& request,
                                            const api_endpoint* external);

} // namespace kallglot

#endif
