#include "app/api_trust.hpp"

#include <string>
#include <utility>
#include <vector>

namespace kallglot {

tls_result<std::optional<tls_context>> make_api_trust(const api_settings& api) {
    if (!api.base_url.tls) {
        return std::optional<tls_context>();
    }
    // The host name is part of the context: it is verified in each handshake.
    auto made = tls_context::make_client(
        {api.base_url.host, api.ca_file, api.client_cert_file, api.client_key_file});
    if (!made) {
        return made.error();
    }
    return std::optional<tls_context>(*made);
}

file_group api_trust_files(const api_settings& api, const config::environment& env) {
    if (!api.base_url.tls) {
        return {};
    }
    // Empty paths are ignored by file_group.
    std::vector<std::string> files = {api.ca_file, api.client_cert_file, api.client_key_file};
    // Without a CA file OpenSSL uses the system's trust store, which package updates change.
    if (api.ca_file.empty()) {
        const std::vector<std::string> system =
            tls_context::system_trust(env.ssl_cert_file, env.ssl_cert_dir);
        files.insert(files.end(), system.begin(), system.end());
    }
    return file_group(std::move(files));
}

} // namespace kallglot
