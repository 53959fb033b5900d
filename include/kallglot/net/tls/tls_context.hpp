/// The shared part of TLS connections: trust, the daemon's certificate, protocol versions and resumable sessions.
///
/// A context never changes its trust. After a change of certificates the daemon makes a new context, and connections
/// that use the old one keep it alive. Sessions belong to their context, so a resumption cannot skip a newer check. The
/// only I/O is reading the files once; TLS itself is in tls_engine.hpp.

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

/// Why a context could not be made. The message is for operators: it names the file and the fault, never key material.
struct tls_load_error {
    std::string message;
    bool unreadable = false; ///< a file is missing or cannot be read; false: its content is invalid
};

template <class T>
using tls_result = boost::system::result<T, tls_load_error>;

/// Options of the connections to one server. Paths are absolute or empty.
struct tls_client_options {
    std::string host;    ///< name or IP address (no brackets) that the certificate must contain
    std::string ca_file; ///< PEM bundle; empty: the system's trust store
    std::string client_cert_file; ///< PEM chain for mutual TLS; empty: none
    std::string client_key_file;
};

/// A handle of a shared context; copies share it. Loop only.
///
/// At least TLS 1.2, no renegotiation, no compression, no early data; SSLKEYLOGFILE has no effect.
/// Lifetime: engines keep the context alive; the handle may be destroyed before them.
class tls_context {
public:
    /// Verifies the chain and the host against `options`. Blocking: reads the files.
    [[nodiscard]] static tls_result<tls_context> make_client(const tls_client_options& options);

    /// Blocking: reads the files.
    [[nodiscard]] static tls_result<tls_context> make_server(const tls_server_options& options);

    /// The paths of the system's trust store: a bundle and a folder; either may be missing. `file` and `folder` are the
    /// values of SSL_CERT_FILE and SSL_CERT_DIR, which replace the built-in paths unless they are empty.
    [[nodiscard]] static std::vector<std::string> system_trust(std::string file,
                                                               std::string folder);

    [[nodiscard]] bool is_client() const noexcept;

    /// The host that a client context verifies; empty for a server.
    [[nodiscard]] const std::string& host() const noexcept;

    /// Expiry of our own certificate, Unix seconds; 0 if there is none.
    [[nodiscard]] std::int64_t certificate_not_after() const noexcept;

    /// The number of sessions that can be resumed; at most eight.
    [[nodiscard]] std::size_t resumable_sessions() const noexcept;

    /// OpenSSL's own object: the identity of a context, and for tests that break something.
    [[nodiscard]] ssl_ctx_st* native() const noexcept;

private:
    friend class tls_engine;
    struct state;

    explicit tls_context(std::shared_ptr<state> shared) noexcept : state_(std::move(shared)) {}

    std::shared_ptr<state> state_;
};

} // namespace kallglot

#endif
