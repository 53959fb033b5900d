/// The CONNECT request that opens a tunnel through the proxy. A pure function.

#ifndef KALLGLOT_NET_CLIENT_CONNECT_REQUEST_HPP
#define KALLGLOT_NET_CLIENT_CONNECT_REQUEST_HPP

#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"

namespace kallglot {

/// The bytes of the request; empty without a proxy. With `api.proxy_user` it contains the password.
///
/// Source: RFC 9110 sections 9.3.6 and 11.7.2, RFC 7617.
[[nodiscard]] secret connect_request(const api_settings& settings, const secret& password);

} // namespace kallglot

#endif
