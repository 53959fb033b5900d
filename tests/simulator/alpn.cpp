#include "simulator/alpn.hpp"

#include <algorithm>

namespace kallglot::simulator {

namespace {

bool is_offered(std::string_view offered, std::string_view name) {
    while (!offered.empty()) {
        const auto size = static_cast<unsigned char>(offered.front());
        if (offered.substr(1, size) == name) {
            return true;
        }
        offered.remove_prefix(std::min<std::size_t>(offered.size(), size + std::size_t{1}));
    }
    return false;
}

} // namespace

std::optional<std::string> select_protocol(std::string_view accepted,
                                           std::string_view forced,
                                           std::string_view offered) {
    if (!forced.empty()) {
        return std::string(forced);
    }
    if (accepted == "none") {
        return std::string();
    }
    bool http1 = false;
    while (!accepted.empty()) {
        const auto comma = accepted.find(',');
        const std::string_view name = accepted.substr(0, comma);
        if (is_offered(offered, name)) {
            return std::string(name);
        }
        http1 = http1 || name == "http/1.1";
        accepted =
            comma == std::string_view::npos ? std::string_view{} : accepted.substr(comma + 1);
    }
    // A client that offers older names only may still speak HTTP/1.1.
    return http1 ? std::optional(std::string()) : std::nullopt;
}

} // namespace kallglot::simulator
