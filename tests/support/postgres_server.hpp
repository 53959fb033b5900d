// A real PostgreSQL server of a test: made in a temporary folder, and gone with the object, or with the process if that dies.
//
// It runs as an unprivileged user, because it refuses to run as root, and listens on a Unix socket in its folder and on a free
// port of 127.0.0.1. It does not sync to the disk. What it needs is Debian's package `postgresql`.

#ifndef KALLGLOT_TEST_SUPPORT_POSTGRES_SERVER_HPP
#define KALLGLOT_TEST_SUPPORT_POSTGRES_SERVER_HPP

#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace kallglot::test {

class postgres_server {
public:
    /// Why there can be no server on this machine; empty if there can.
    [[nodiscard]] static std::string missing();

    /// Makes and starts a server with these lines of postgresql.conf; pg_hba.conf is in the body. Users: `kallglot` with
    /// password(), `certified` with a client certificate; the Unix socket asks for
    /// nothing. Throws if it does not start.
    explicit postgres_server(const std::vector<std::string>& settings = {});
    ~postgres_server();
    postgres_server(const postgres_server&) = delete;
    postgres_server& operator=(const postgres_server&) = delete;

    /// The folder of the Unix socket.
    [[nodiscard]] std::string folder() const { return folder_.path().string(); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    [[nodiscard]] static std::string password() {
        return "a-password-of-thirty-nine-characters-kg";
    }

    [[nodiscard]] const test_certificates& certificates() const noexcept { return certificates_; }

    /// Runs a statement as superuser over a connection of its own. The first value of the answer, or the error.
    [[nodiscard]] std::string ask(const std::string& sql,
                                  const std::string& database = "postgres") const;

    /// Asks until the answer is this one; false if it never is.
    [[nodiscard]] bool wait_until(const std::string& sql,
                                  const std::string& answer,
                                  const std::string& database = "postgres") const;

    /// Ends the server at once, as `pg_ctl stop -m fast` does.
    void stop();

private:
    void prepare(const std::vector<std::string>& settings);
    void start();
    [[nodiscard]] static std::string as_user(const std::string& command);

    temporary_folder folder_;
    test_certificates certificates_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

} // namespace kallglot::test

#endif
