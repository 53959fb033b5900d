// Files of --web.config.file, without the files that they name. The meaning of a valid file must be usable: names of
// files and headers on one line, certificates only with everything that they need.

#include "fault_check.hpp"
#include "kallglot/config/web_config.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using namespace kallglot;

bool is_usable(const tls_server_options& tls) {
    const bool whole = (!tls.cert_file.empty() || !tls.cert_pem.empty())
                       && (!tls.key_file.empty() || !tls.key_pem.empty());
    const auto is_path = [](const std::string& path) {
        return path.empty() || (path.front() == '/' && fuzz::is_one_line(path));
    };
    return whole && is_path(tls.cert_file) && is_path(tls.key_file) && is_path(tls.client_ca_file)
           && tls.min_version <= tls.max_version;
}

bool is_usable(const web_settings& web) {
    return (!web.tls || is_usable(*web.tls))
           && std::ranges::all_of(
               web.headers,
               [](const auto& header) { return fuzz::is_one_line(header.second); })
           && std::ranges::all_of(web.users, [](const basic_auth_user& user) {
                  return fuzz::is_one_line(user.name) && user.name.find(':') == std::string::npos
                         && user.hash.size() == 60;
              });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const config::web_config_result parsed = config::parse_web_config(text, "web.yml", "/etc");
    const auto* const faults = std::get_if<std::vector<config::config_fault>>(&parsed);
    const bool plausible = faults != nullptr
                               ? !faults->empty() && fuzz::are_well_formed(*faults, text)
                               : is_usable(std::get<web_settings>(parsed));
    if (!plausible) {
        std::abort();
    }
    return 0;
}
