/// TLS in memory, without sockets: bytes in, bytes out, for clients and servers.
///
/// Without sockets it can be tested byte by byte, and a connection needs none of the four 17 KiB buffers of
/// asio::ssl::stream. It deliberately does no I/O, has no deadline and stores no input. The caller reads the socket
/// into a shared buffer and sends the bytes that the engine appends to `output`.

#ifndef KALLGLOT_NET_TLS_TLS_ENGINE_HPP
#define KALLGLOT_NET_TLS_TLS_ENGINE_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/net/tls/tls_context.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

struct bio_method_st;
struct ssl_session_st;
struct ssl_st;

namespace kallglot {

enum class tls_status : std::uint8_t {
    done,       ///< the call is complete
    want_input, ///< all input is consumed, and the call needs more
    closed,     ///< the peer sent close_notify
    failed,     ///< error() and reason() have the cause; the connection must be closed
};

/// One TLS connection. Loop only; neither copied nor moved.
///
/// Every call removes the bytes that it consumed from the front of `input`, and appends bytes for the peer to `output`.
/// The rule for callers: send the output after EVERY call and before the next await, because all connections of the
/// loop share it. That includes reads and failed calls, which produce KeyUpdate answers and alerts.
///
/// Lifetime: stores no reference to input or output between calls. The destructor leaves the session resumable unless
///           the connection failed.
/// Cost:     OpenSSL's state, about 25 KiB, and no buffers while idle.
class tls_engine {
public:
    /// A client or a server, by the context. A client resumes the newest session of the context.
    ///
    /// `alpn`: the protocols that a client offers, each name behind its length (RFC 7301); empty: none.
    explicit tls_engine(const tls_context& context, std::string_view alpn = {});
    ~tls_engine();
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;

    /// Continues the handshake as far as the input allows; a client begins with empty input.
    /// Errors: tls_failed; certificate_rejected if the peer's chain or host is not trusted.
    [[nodiscard]] tls_status handshake(std::span<const char>& input, std::string& output);

    struct read_result {
        tls_status status;
        std::size_t size; ///< bytes written to `plaintext`; above 0 only with `done`
    };

    /// Decrypts at most one record. Call it until the status is not `done`.
    /// Errors: tls_failed.
    [[nodiscard]] read_result read(std::span<const char>& input,
                                   std::span<char> plaintext,
                                   std::string& output);

    /// Encrypts all of `plaintext`: output grows by its size and about 22 bytes for each 16 KiB. Precondition:
    /// established().
    /// Errors: tls_failed.
    [[nodiscard]] tls_status write(std::string_view plaintext, std::string& output);

    /// Appends close_notify; the caller must not write afterwards, nor wait for the peer's close_notify.
    void close(std::string& output) noexcept;

    /// The error of the call that failed; not set before.
    [[nodiscard]] error_code error() const noexcept { return error_; }

    /// The cause of the failure for a log line: static text without data of the peer.
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }

    [[nodiscard]] bool established() const noexcept;

    /// Removes the offered session from the context. Call it if the peer closed the connection during the handshake or
    /// did not answer: the session may be the reason, and would be again. A failed handshake() does it itself.
    void forget_session() noexcept;

    /// Whether OpenSSL holds an incomplete record, or plaintext that read() has not returned yet.
    [[nodiscard]] bool holds_input() const noexcept;

    /// Whether the handshake resumed a session.
    [[nodiscard]] bool resumed() const noexcept;

    /// The protocol version, for example "TLSv1.3".
    [[nodiscard]] std::string_view version() const noexcept;

    /// The protocol that the server chose with ALPN; empty if it chose none. Lifetime: as the engine.
    [[nodiscard]] std::string_view protocol() const noexcept;

    /// Expiry of the peer's certificate, Unix seconds; 0 if it sent none.
    [[nodiscard]] std::int64_t peer_not_after() const noexcept;

    /// Until when the peer is trusted, Unix seconds: the expiry of the client certificate that a server has verified. 0 if it
    /// sent none, or if certificates are not verified.
    [[nodiscard]] std::int64_t peer_trusted_until() const noexcept;

    /// Whether the peer's certificate contains this DNS name, e-mail or IP address (client_allowed_sans).
    [[nodiscard]] bool peer_has_name(std::string_view name) const;

    /// OpenSSL's own object, for tests.
    [[nodiscard]] ssl_st* native() const noexcept { return ssl_; }

private:
    struct io; // the callbacks of OpenSSL's BIO
    friend bio_method_st* make_engine_bio_method();

    static bio_method_st* make_bio_method();
    void begin(std::span<const char>& input, std::string& output) noexcept;
    tls_status finish(std::span<const char>& input, int outcome) noexcept;
    tls_status fail(int ssl_error) noexcept;

    tls_context context_;
    ssl_st* ssl_ = nullptr;
    ssl_session_st* offered_ = nullptr; ///< the context's session; a reference of our own
    const char* unread_ = nullptr;
    std::size_t unread_size_ = 0;
    std::string* output_ = nullptr;
    std::string_view reason_;
    error_code error_;
};

} // namespace kallglot

#endif
