/// A GET request for both versions of HTTP, prepared once for each API key; only the id differs between polls.

#ifndef KALLGLOT_NET_CLIENT_REQUEST_TEXT_HPP
#define KALLGLOT_NET_CLIENT_REQUEST_TEXT_HPP

#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kallglot {

/// One field of a request for HTTP/2, pseudo fields included.
struct request_field {
    std::string_view name;
    std::string_view value;
    bool secret = false; ///< never to be stored in a compression table
};

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

    /// The whole request for HTTP/1.1. Lifetime: until the next call.
    [[nodiscard]] std::string_view render(const session_id& id) noexcept;

    /// The fields of the request for HTTP/2 (RFC 9113 section 8.3.1). Lifetime: until the next call.
    [[nodiscard]] std::span<const request_field> fields(const session_id& id) noexcept;

private:
    void prepare_fields(std::string_view scheme);

    std::string text_;   // prefix, id, suffix
    std::string suffix_; // everything behind the id, the key included
    std::size_t prefix_size_;
    std::array<request_field, 9> fields_; // views of the texts above
};

} // namespace kallglot

#endif
