/// The bytes of a GET request, serialized once for each API key; only the id differs between polls.

#ifndef KALLGLOT_NET_CLIENT_REQUEST_TEXT_HPP
#define KALLGLOT_NET_CLIENT_REQUEST_TEXT_HPP

#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace kallglot {

/// Contains the API key; the destructor wipes it. Loop only.
class request_text {
public:
    /// Precondition: acceptable(key).
    request_text(const api_endpoint& endpoint, std::string_view user_agent, const secret& key);
    ~request_text();
    request_text(const request_text&) = delete;
    request_text& operator=(const request_text&) = delete;

    /// Whether a key is allowed in an HTTP header: 1 to 4,096 visible ASCII characters.
    [[nodiscard]] static bool acceptable(std::string_view key) noexcept;

    /// The whole request. Lifetime: until the next call.
    [[nodiscard]] std::string_view render(const session_id& id) noexcept;

private:
    std::string text_;   // prefix, id, suffix
    std::string suffix_; // everything behind the id, the key included
    std::size_t prefix_size_;
};

} // namespace kallglot

#endif
