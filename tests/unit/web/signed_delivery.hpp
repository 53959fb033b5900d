/// Deliveries as the sender signs them: the MAC comes from another interface of the library than the one under test.

#ifndef KALLGLOT_TESTS_UNIT_WEB_SIGNED_DELIVERY_HPP
#define KALLGLOT_TESTS_UNIT_WEB_SIGNED_DELIVERY_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/settings/secret.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {

/// HMAC-SHA256 of `timestamp`.`body` in lower-case hexadecimal digits.
inline std::string sign(std::string_view key, std::string_view timestamp, std::string_view body) {
    const std::string text = std::string(timestamp) + '.' + std::string(body);
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned int size = 0;
    ::HMAC(::EVP_sha256(),
           key.data(),
           static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()),
           text.size(),
           out.data(),
           &size);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        constexpr std::string_view digits = "0123456789abcdef";
        hex += digits[out[i] >> 4];
        hex += digits[out[i] & 15];
    }
    return hex;
}

inline std::string signature_header(std::string_view key,
                                    std::string_view timestamp,
                                    std::string_view body) {
    return "t=" + std::string(timestamp) + ",v1=" + sign(key, timestamp, body);
}

inline std::vector<secret> secrets_of(std::initializer_list<std::string_view> texts) {
    std::vector<secret> secrets;
    for (const std::string_view text : texts) {
        secrets.emplace_back(text);
    }
    return secrets;
}

} // namespace kallglot::test

#endif
