/// TLS over memory of ours: bytes in, bytes out, for client and server.
///
/// OpenSSL without sockets, so that it can be tested byte by byte and so that a connection needs none of the four
/// 17 KiB buffers of asio::ssl::stream. It deliberately does no I/O, has no deadline and keeps no copy of what it
/// was given: the caller reads the socket into a shared buffer and sends what the engine appended to `output`.

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
    done,       ///< the call did what it was asked for
    want_input, ///< all input is used up and more is needed
    closed,     ///< the peer sent close_notify
    failed,     ///< error() and reason() tell; the connection is of no further use
};

/// One TLS connection. Loop only; neither copied nor moved.
///
/// Every call takes the unread part of the input and drops from its front what it consumed, and appends to `output`
/// what must go to the peer. The rule for callers: after EVERY call, reads and failed ones included (KeyUpdate,
/// alerts), output is sent before anything is awaited, since it is shared by all connections of the loop.
///
/// Lifetime: holds no reference to input or output between calls. The destructor leaves the session resumable
///           unless the connection failed.
/// Cost:     OpenSSL's state, about 25 KiB, and no buffers while idle.
class tls_engine {
public:
    /// A client or a server as the context says. A client resumes the newest kept session.
    explicit tls_engine(const tls_context& context);
    ~tls_engine();
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;

    /// Takes the handshake as far as the input allows; a client begins with empty input.
    /// Errors: tls_failed; certificate_rejected when chain or host of the peer are not trusted.
    [[nodiscard]] tls_status handshake(std::span<const char>& input, std::string& output);

    struct read_result {
        tls_status status;
        std::size_t size; ///< bytes put into `plaintext`; above 0 only with `done`
    };

    /// Decrypts at most one record's worth. Call until it does not answer `done`.
    /// Errors: tls_failed.
    [[nodiscard]] read_result read(std::span<const char>& input,
                                   std::span<char> plaintext,
                                   std::string& output);

    /// Encrypts all of `plaintext`: output grows by about 22 bytes more for each 16 KiB. Handshake done.
    /// Errors: tls_failed.
    [[nodiscard]] tls_status write(std::string_view plaintext, std::string& output);

    /// Appends close_notify; nothing may be written afterwards. The peer's answer is not waited for.
    void close(std::string& output) noexcept;

    /// What the last failed call failed with; not set before.
    [[nodiscard]] error_code error() const noexcept { return error_; }

    /// The failure in words, for a log line: static text without any data of the peer.
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }

    [[nodiscard]] bool established() const noexcept;

    /// The peer has broken off the handshake, or let it hang: the session that it was offered is kept no more, since it may be the
    /// reason, and would be each time. A handshake that failed has done so itself.
    void forget_session() noexcept;

    /// Whether a part of a record is there, or one that nobody has read yet.
    [[nodiscard]] bool holds_input() const noexcept;

    /// Whether the handshake resumed a kept session.
    [[nodiscard]] bool resumed() const noexcept;

    /// "TLSv1.3" and the like.
    [[nodiscard]] std::string_view version() const noexcept;

    /// Expiry of the peer's certificate, Unix seconds; 0 if it showed none.
    [[nodiscard]] std::int64_t peer_not_after() const noexcept;

    /// Whether the peer's certificate carries this DNS name, e-mail or IP address (client_allowed_sans).
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
    ssl_session_st* offered_ = nullptr; ///< as it is kept; ours too
    const char* unread_ = nullptr;
    std::size_t unread_size_ = 0;
    std::string* output_ = nullptr;
    std::string_view reason_;
    error_code error_;
};

} // namespace kallglot

#endif
