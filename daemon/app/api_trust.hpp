/// Makes the TLS context for connections to the API from the settings.

#ifndef KALLGLOT_APP_API_TRUST_HPP
#define KALLGLOT_APP_API_TRUST_HPP

#include "app/file_identity.hpp"
#include "kallglot/config/environment.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/settings/settings.hpp"

#include <optional>

namespace kallglot {

/// Empty for plain HTTP. Errors: a certificate file that is missing, unreadable or invalid. Blocking: reads the files.
[[nodiscard]] tls_result<std::optional<tls_context>> make_api_trust(const api_settings& api);

/// The files that make_api_trust() reads, the system's trust store included.
[[nodiscard]] file_group api_trust_files(const api_settings& api, const config::environment& env);

} // namespace kallglot

#endif
