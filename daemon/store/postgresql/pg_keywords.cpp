#include "store/postgresql/pg_keywords.hpp"

#include <libpq-fe.h>

#include <cassert>
#include <cstring>
#include <string_view>
#include <utility>

namespace kallglot {

namespace {

// A path that cannot exist, below a file that is no folder. libpq takes it as "there is no such file". With /dev/null itself
// it would write a warning to stderr at each connect.
constexpr const char* no_file = "/dev/null/none";

// Debian's bundle; the package depends on ca-certificates. libpq 15 has no word for "the system's trust".
constexpr const char* system_bundle = "/etc/ssl/certs/ca-certificates.crt";

constexpr std::size_t max_keywords = 40;

std::string or_default(const std::string& text, const char* otherwise) {
    return text.empty() ? std::string(otherwise) : text;
}

} // namespace

pg_keywords::pg_keywords(const pg_login& login, const pg_address& server) {
    names_.reserve(max_keywords);
    texts_.reserve(max_keywords);

    // The host is for the certificate; with the address beside it libpq looks no name up.
    add("host", server.host);
    if (!server.is_local_socket()) {
        add("hostaddr", server.address);
    }
    add("port", std::to_string(server.port));
    add("dbname", login.database);
    add("user", login.user);
    if (!login.password.empty()) {
        add("password", std::string(login.password.reveal()));
    }
    add("passfile", no_file);

    // The session. The client's encoding must not depend on the locale of the server.
    add("application_name", "kallglot_exporter");
    add("client_encoding", "UTF8");
    add("target_session_attrs", "any");

    // TLS: all or nothing. Kerberos' own encryption, which libpq would prefer, is off.
    add("gssencmode", "disable");
    add("sslmode", login.tls ? "verify-full" : "disable");
    add("sslrootcert", or_default(login.ca_file, system_bundle));
    add("sslcert", or_default(login.client_cert_file, no_file));
    add("sslkey", or_default(login.client_key_file, no_file));
    add("sslcrl", no_file);
    add("sslcrldir", no_file);
    // Without a password of ours OpenSSL would ask for that of an encrypted key on the terminal, and wait.
    add("sslpassword", "none");
    add("sslcompression", "0");
    add("sslsni", "1");
    add("ssl_min_protocol_version", "TLSv1.2");
    add("channel_binding", "prefer");
    // Newer versions of libpq can refuse what this one can only fail at.
    if (PQlibVersion() >= 160000) {
        add("require_auth", "!gss,!sspi");
        add("gssdelegation", "0");
        add("load_balance_hosts", "disable");
    }

    // A dead peer is noticed by the kernel within 11 s; the deadlines of ours also notice one that is only stopped.
    add("keepalives", "1");
    add("keepalives_idle", "5");
    add("keepalives_interval", "2");
    add("keepalives_count", "3");
    add("tcp_user_timeout", "5000");
    // PQconnectPoll ignores it, the environment's value is overridden all the same.
    add("connect_timeout", "0");

    assert(texts_.size() <= max_keywords);
    for (const std::string& text : texts_) {
        values_.push_back(text.c_str());
    }
    names_.push_back(nullptr);
    values_.push_back(nullptr);
}

pg_keywords::~pg_keywords() {
    for (std::size_t i = 0; i < texts_.size(); ++i) {
        if (std::string_view(names_[i]) == "password") {
            ::explicit_bzero(texts_[i].data(), texts_[i].size());
        }
    }
}

void pg_keywords::add(const char* name, std::string value) {
    names_.push_back(name);
    texts_.push_back(std::move(value));
}

} // namespace kallglot
