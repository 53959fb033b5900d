// The signed text is `<t>.<body>` with `t` exactly as received, so the timestamp is parsed only for its range.

#include "web/webhook_signature.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace kallglot {

namespace {

using digest = std::array<unsigned char, 32>;

/// Bounds the work for one header. A rotation of secrets needs two signatures.
constexpr std::size_t max_signatures = 8;

/// The parsed header. The timestamp is a view into it.
struct signature_fields {
    std::optional<std::string_view> timestamp;
    std::array<digest, max_signatures> signatures{};
    std::size_t count = 0;
};

// The value of a hexadecimal digit; -1 for any other character, also for upper case.
int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Parses 64 lower-case hexadecimal digits; the sender writes no others.
std::optional<digest> parse_digest(std::string_view text) noexcept {
    digest bytes{};
    // A shorter signature would be easier to guess.
    if (text.size() != 2 * bytes.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit_of(text[2 * i]);
        const int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes[i] = static_cast<unsigned char>(high * 16 + low);
    }
    return bytes;
}

/// A text without the blanks around it: senders and gateways write a list with blanks after its commas.
std::string_view trimmed(std::string_view text) noexcept {
    const auto first = std::min(text.find_first_not_of(" \t"), text.size());
    const auto last = text.find_last_not_of(" \t") + 1;
    return text.substr(first, std::max(first, last) - first);
}

/// Splits the header at its commas. Empty if the timestamp or every well-formed signature is missing, if the timestamp
/// is repeated, or if there are too many signatures.
std::optional<signature_fields> parse_header(std::string_view header) noexcept {
    signature_fields fields;
    while (!header.empty()) {
        const std::string_view part = header.substr(0, header.find(','));
        header.remove_prefix(std::min(header.size(), part.size() + 1));
        const std::string_view field = trimmed(part);
        if (field.starts_with("t=")) {
            // With two timestamps it would be unclear which one is signed.
            if (fields.timestamp) {
                return std::nullopt;
            }
            fields.timestamp = field.substr(2);
        } else if (field.starts_with("v1=")) {
            // A signature of another form cannot match; one beside it can.
            const auto signature = parse_digest(field.substr(3));
            if (signature && fields.count == max_signatures) {
                return std::nullopt;
            }
            if (signature) {
                fields.signatures[fields.count++] = *signature;
            }
        }
        // Other keys are ignored: Kallglot may add a `v2` at any time.
    }
    // A header without a signature must not pass as "nothing to compare".
    const bool complete = fields.timestamp && fields.count != 0;
    return complete ? std::optional(fields) : std::nullopt;
}

// Digits only, and bounded, so that the arithmetic with times cannot overflow.
std::optional<api_time> parse_unix_seconds(std::string_view text) noexcept {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    constexpr std::int64_t last = 253'402'300'799; // the year 9999
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > last) {
        return std::nullopt;
    }
    return api_time(seconds(value));
}

// OpenSSL's C handles, freed on every path.
struct mac_deleter {
    void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }

    void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

/// HMAC-SHA256 over `<timestamp>.<body>`, in parts so that the body is not copied. Empty if OpenSSL fails.
std::optional<digest> hmac(const secret& key, std::string_view timestamp, std::string_view body) {
    const std::unique_ptr<EVP_MAC, mac_deleter> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    const std::unique_ptr<EVP_MAC_CTX, mac_deleter> context(mac ? EVP_MAC_CTX_new(mac.get())
                                                                : nullptr);
    if (!context) {
        return std::nullopt;
    }
    // OpenSSL's parameter takes a writable text, though it does not write to it.
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end()};
    const auto bytes = [](std::string_view text) {
        return reinterpret_cast<const unsigned char*>(text.data());
    };
    const std::string_view revealed = key.reveal();
    digest out{};
    std::size_t size = 0;
    const bool done = EVP_MAC_init(context.get(), bytes(revealed), revealed.size(), parameters) == 1
                      && EVP_MAC_update(context.get(), bytes(timestamp), timestamp.size()) == 1
                      && EVP_MAC_update(context.get(), bytes("."), 1) == 1
                      && EVP_MAC_update(context.get(), bytes(body), body.size()) == 1
                      && EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1
                      && size == out.size();
    return done ? std::optional(out) : std::nullopt;
}

} // namespace

bool is_signature(std::string_view header) noexcept {
    const auto fields = parse_header(header);
    return fields && parse_unix_seconds(*fields->timestamp);
}

signature_verdict verify_signature(std::string_view header,
                                   std::string_view body,
                                   const std::vector<secret>& secrets,
                                   api_time now,
                                   milliseconds tolerance) {
    // A malformed header has the same verdict as a wrong signature: both are no valid delivery.
    const auto fields = parse_header(header);
    const auto signed_at = fields ? parse_unix_seconds(*fields->timestamp) : std::nullopt;
    if (!signed_at) {
        return signature_verdict::bad;
    }
    // Every pair is compared, so the time does not reveal which secret matched. An empty secret never matches.
    bool matches = false;
    for (const secret& key : secrets) {
        const auto expected = key.empty() ? std::nullopt : hmac(key, *fields->timestamp, body);
        for (std::size_t i = 0; expected && i < fields->count; ++i) {
            matches |=
                CRYPTO_memcmp(expected->data(), fields->signatures[i].data(), expected->size())
                == 0;
        }
    }
    if (!matches) {
        return signature_verdict::bad;
    }
    // The range is checked last: only a genuine delivery gets the verdict `untimely`, so its counter means clocks or
    // replays, never forgeries.
    const milliseconds age = now - *signed_at;
    return age > tolerance || age < -tolerance ? signature_verdict::untimely
                                               : signature_verdict::good;
}

} // namespace kallglot
