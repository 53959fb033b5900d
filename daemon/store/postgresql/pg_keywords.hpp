/// Where a PostgreSQL server is, the login, and both as libpq's keywords.
///
/// libpq fills a keyword that is not given from the environment, from ~/.pgpass, from a service file or from files in
/// ~/.postgresql. So every keyword that has a neutral value is given; for the others there is pg_environment. No
/// connection string is built, so nothing has to be quoted, and there is no text with the password to log by accident.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_KEYWORDS_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_KEYWORDS_HPP

#include "kallglot/settings/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kallglot {

/// One address of one server.
struct pg_address {
    std::string host; ///< the name that the certificate has to have; or the folder of a Unix socket
    std::string address; ///< an IP address as text; empty for a Unix socket
    std::uint16_t port = 5432;

    [[nodiscard]] bool is_local_socket() const noexcept { return host.starts_with('/'); }
};

/// The same for all servers. Paths are absolute or empty. Immutable while a connection is opened.
struct pg_login {
    std::string database = "kallglot";
    std::string user = "kallglot";
    secret password;     ///< empty: none
    bool tls = true;     ///< verify-full; false: for a Unix socket or loopback only
    std::string ca_file; ///< empty: the system's bundle
    std::string client_cert_file;
    std::string client_key_file;
};

/// Keywords and values as PQconnectStartParams takes them. Wipes the password at the end.
class pg_keywords {
public:
    pg_keywords(const pg_login& login, const pg_address& server);
    ~pg_keywords();
    pg_keywords(const pg_keywords&) = delete;
    pg_keywords& operator=(const pg_keywords&) = delete;

    /// Arrays of C strings with a null pointer at the end. Lifetime: that of the object.
    [[nodiscard]] const char* const* names() const noexcept { return names_.data(); }

    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }

private:
    void add(const char* name, std::string value);

    std::vector<const char*> names_;
    std::vector<std::string> texts_; ///< reserved once: values_ points into it
    std::vector<const char*> values_;
};

} // namespace kallglot

#endif
