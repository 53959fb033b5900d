// TLS of one server connection in memory: bytes in, bytes out, no socket.
//
// OpenSSL uses two buffers of the caller instead of Asio's stream, which has four 17 KiB buffers for each connection.
// It is deliberately independent of the daemon's TLS code, so that client and server cannot share a fault.

#ifndef KALLGLOT_SIMULATOR_TLS_CHANNEL_HPP
#define KALLGLOT_SIMULATOR_TLS_CHANNEL_HPP

#include "support/certificates.hpp"

#include <openssl/ssl.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// A server's certificate and rules: TLS 1.2 and 1.3, a protocol by ALPN, session tickets.
///
/// Errors:     the constructor throws `std::runtime_error` if the identity cannot be used
/// Lifetime:   must outlive the channels made from it
class tls_identity {
public:
    /// Returns the protocol for a client's offer as `select_protocol` does.
    using protocol_choice = std::function<std::optional<std::string>(std::string_view offered)>;

    tls_identity(const test::identity& identity, bool resumption, protocol_choice choose);
    ~tls_identity();
    tls_identity(const tls_identity&) = delete;
    tls_identity& operator=(const tls_identity&) = delete;

    [[nodiscard]] SSL_CTX* context() const { return context_; }

    [[nodiscard]] BIO_METHOD* method() const { return method_; }

    /// The protocol for a client's offer, kept until the next call; for the callback of ALPN alone.
    [[nodiscard]] const std::optional<std::string>& choose(std::string_view offered) {
        chosen_ = choose_(offered);
        return chosen_;
    }

private:
    protocol_choice choose_;
    std::optional<std::string> chosen_;
    SSL_CTX* context_{nullptr};
    BIO_METHOD* method_{nullptr};
};

enum class tls_progress {
    going,  // more bytes are needed
    closed, // the peer sent close_notify
    failed, // not TLS, or not acceptable; the connection must be closed
};

/// One connection's TLS state. Loop only.
class tls_channel {
public:
    explicit tls_channel(const tls_identity& identity);
    ~tls_channel();
    tls_channel(const tls_channel&) = delete;
    tls_channel& operator=(const tls_channel&) = delete;

    /// Takes bytes from the peer; appends plaintext to `plain` and bytes for the peer to `wire`.
    [[nodiscard]] tls_progress receive(std::string_view bytes,
                                       std::string& plain,
                                       std::string& wire);

    /// Encrypts `plain` and appends it to `wire`; false if the channel is broken.
    [[nodiscard]] bool seal(std::string_view plain, std::string& wire);

    /// Appends close_notify to `wire`.
    void say_farewell(std::string& wire);

    [[nodiscard]] bool established() const { return established_; }

    [[nodiscard]] bool resumed() const;

    /// The protocol that ALPN selected; empty if none.
    [[nodiscard]] std::string_view agreed() const;

    /// The bytes between OpenSSL and the socket; public for the BIO's callbacks alone.
    struct transport {
        std::string_view incoming;
        std::string* outgoing{nullptr};
    };

private:
    [[nodiscard]] tls_progress handshake();
    [[nodiscard]] tls_progress read(std::string& plain);

    transport transport_;
    SSL* ssl_{nullptr};
    bool established_{false};
    bool broken_{false};
};

} // namespace kallglot::simulator

#endif
