// Makes certificates in memory: authorities, valid server identities, and every invalid one that a client must reject.
//
// Tests of TLS and the simulator need fresh certificates in each run: committed ones expire, and scanners find keys in
// a repository. Keys are P-256; making one takes well under a millisecond.
//
// Deliberately not here: files, sockets, SSL_CTX. Everything is PEM text that any TLS library can load.

#ifndef KALLGLOT_TEST_SUPPORT_CERTIFICATES_HPP
#define KALLGLOT_TEST_SUPPORT_CERTIFICATES_HPP

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {

/// A certificate with its key, both PEM.
///
/// `certificate_pem` holds the leaf alone; `chain_pem` the leaf and, below it, the issuers that a
/// server sends along (equal to the leaf where there are none).
struct identity {
    std::string certificate_pem;
    std::string chain_pem;
    std::string private_key_pem;
};

/// What a leaf may be used for (extended key usage).
enum class key_purpose { server, client, server_and_client };

/// The content of a certificate.
struct certificate_wish {
    std::string common_name{"localhost"};
    std::vector<std::string> dns_names{"localhost"};
    std::vector<std::string> addresses{"127.0.0.1", "::1"};
    std::chrono::system_clock::time_point not_before{std::chrono::system_clock::now()
                                                     - std::chrono::hours{1}};
    std::chrono::system_clock::time_point not_after{std::chrono::system_clock::now()
                                                    + std::chrono::hours{24 * 30}};
    key_purpose purpose{key_purpose::server};
};

/// Whether an authority's own certificate has the CA flag.
enum class authority_flag { present, absent };

/// Signs certificates with a key of its own.
///
/// Errors:   throws `std::runtime_error` with OpenSSL's text; neither a test nor a start can continue without
///         certificates.
/// Lifetime: owns its key; certificates that it issues do not refer to it. Immutable after construction.
class certificate_authority {
public:
    /// Makes a root. With `authority_flag::absent` it says CA:FALSE, so that a correct client rejects the certificates
    /// that it signs.
    explicit certificate_authority(std::string_view common_name,
                                   authority_flag flag = authority_flag::present);
    ~certificate_authority();
    certificate_authority(certificate_authority&&) noexcept;
    certificate_authority& operator=(certificate_authority&&) noexcept;

    /// The root's certificate, for a client's trust store.
    [[nodiscard]] const std::string& certificate_pem() const;

    /// Makes a key and a certificate signed by this authority.
    [[nodiscard]] identity issue(const certificate_wish& wish) const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Makes a certificate that is its own issuer.
[[nodiscard]] identity make_self_signed(const certificate_wish& wish);

/// One valid identity and the usual invalid ones, for a client that trusts one authority.
///
/// A client that trusts `authority().certificate_pem()` and connects to `localhost`, `127.0.0.1` or `::1` must accept
/// `good()` and reject every other identity.
class test_certificates {
public:
    test_certificates();

    [[nodiscard]] const certificate_authority& authority() const;

    [[nodiscard]] identity good() const;
    [[nodiscard]] identity wrong_host() const;    // names and addresses of another host
    [[nodiscard]] identity wrong_address() const; // right DNS name, another IP address
    [[nodiscard]] identity expired() const;       // ended an hour ago
    [[nodiscard]] identity not_yet_valid() const; // starts in an hour
    [[nodiscard]] identity self_signed() const;   // right names, signed by itself
    [[nodiscard]] identity unknown_authority()
        const;                                  // right names, an authority that is not trusted
    [[nodiscard]] identity client_only() const; // right names, extended key usage clientAuth alone

    /// An authority without the CA flag, and a certificate with the right names that it signed.
    ///
    /// A client that trusts `flagless_authority()` must reject the leaf for the missing flag alone.
    [[nodiscard]] const certificate_authority& flagless_authority() const;
    [[nodiscard]] identity signed_by_flagless_authority() const;

private:
    certificate_authority authority_;
    certificate_authority stranger_;
    certificate_authority flagless_;
};

} // namespace kallglot::test

#endif
