/// What all TLS connections of one kind share: trust, our certificate, protocol versions and kept sessions.
///
/// One context is one generation of trust. When certificates or trust change, a new context is made and the old one
/// lives on in the connections that use it; sessions are kept inside it, so that a resumption can never skip a newer
/// check. No I/O besides reading the files once; TLS itself is in tls_engine.hpp.

#ifndef KALLGLOT_NET_TLS_TLS_CONTEXT_HPP
#define KALLGLOT_NET_TLS_TLS_CONTEXT_HPP

#include "kallglot/settings/web_settings.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct ssl_ctx_st;

namespace kallglot {

/// Why a context could not be made, for people: names the file and the fault, never key material.
struct tls_load_error {
    std::string message;
    bool unreadable = false; ///< a file is missing or cannot be read; else its content is at fault
};

template <class T>
using tls_result = boost::system::result<T, tls_load_error>;

/// How we talk to one server. Paths are absolute or empty.
struct tls_client_options {
    std::string host;    ///< name or IP address (no brackets) that the certificate must carry
    std::string ca_file; ///< PEM bundle; empty: the system's trust store
    std::string client_cert_file; ///< PEM chain for mutual TLS; empty: none
    std::string client_key_file;
};

/// A handle on a shared context; copies share it. Loop only.
///
/// TLS 1.2 at least, no renegotiation, no compression, no early data; SSLKEYLOGFILE has no effect.
/// Lifetime: engines keep what they need alive; the handle may go.
class tls_context {
public:
    /// Verifies the chain and the host against `options`. Blocking: reads the files.
    [[nodiscard]] static tls_result<tls_context> make_client(const tls_client_options& options);

    /// Blocking: reads the files.
    [[nodiscard]] static tls_result<tls_context> make_server(const tls_server_options& options);

    /// Where the system's trust store is: a bundle and a folder, either of which may be missing. `file` and `folder` are the
    /// values of SSL_CERT_FILE and SSL_CERT_DIR, which replace the built-in ones unless they are empty.
    [[nodiscard]] static std::vector<std::string> system_trust(std::string file,
                                                               std::string folder);

    [[nodiscard]] bool is_client() const noexcept;

    /// The host that a client context verifies; empty for a server.
    [[nodiscard]] const std::string& host() const noexcept;

    /// Expiry of our own certificate, Unix seconds; 0 if there is none.
    [[nodiscard]] std::int64_t certificate_not_after() const noexcept;

    /// How many sessions wait to be resumed; eight at most.
    [[nodiscard]] std::size_t kept_sessions() const noexcept;

    /// OpenSSL's own object, for what tests need to break.
    [[nodiscard]] ssl_ctx_st* native() const noexcept;

private:
    friend class tls_engine;
    struct state;

    explicit tls_context(std::shared_ptr<state> shared) noexcept : state_(std::move(shared)) {}

    std::shared_ptr<state> state_;
};

} // namespace kallglot

#endif
