// Fixture of the tests of connections to PostgreSQL: the loop, workers, and a scripted server.

#ifndef KALLGLOT_TEST_STORE_PG_CONNECTION_FIXTURE_HPP
#define KALLGLOT_TEST_STORE_PG_CONNECTION_FIXTURE_HPP

#include "kallglot/async/worker_thread.hpp"
#include "kallglot/net/client/resolver.hpp"
#include "store/postgresql/pg_opening.hpp"
#include "support/certificates.hpp"
#include "support/loop.hpp"
#include "support/postgres_peer.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {

/// Descriptors of this process.
[[nodiscard]] std::size_t open_descriptors();

class PgConnection : public ::testing::Test {
protected:
    PgConnection();
    ~PgConnection() override;

    /// Starts the scripted server, plain or with the certificate.
    void serve(std::vector<peer_script> scripts,
               const std::optional<identity>& certificate = std::nullopt);

    /// An address of the scripted server.
    [[nodiscard]] pg_address address(const std::string& host = "localhost") const;

    /// Opens a connection. A day is the limit where the test is not about limits.
    [[nodiscard]] pg_fault open(const pg_address& server,
                                steady_duration limit = std::chrono::hours(24));

    /// Opens a connection to the scripted server, which must succeed.
    void open();

    /// Runs a batch to its end.
    [[nodiscard]] pg_outcome run(pg_batch batch, steady_duration limit = std::chrono::hours(24));

    [[nodiscard]] pg_fault listen(steady_duration limit = std::chrono::hours(24));

    /// Starts a coroutine of the connection, waits until `reached`, and cancels it.
    void cancel_when(task<> work, const std::function<bool()>& reached);

    /// Coroutines for those: the result goes where the test can see it.
    task<> run_into(pg_batch batch, pg_outcome* outcome, bool* ended);
    task<> open_into(pg_address server, pg_fault* fault, bool* ended);

    /// Ends connection and server, and checks that nothing is left.
    void finish();

    loop loop_;
    test_certificates certificates_;
    temporary_folder folder_;
    pg_environment environment_ = pg_environment::clear();
    std::optional<worker_set> workers_;
    std::size_t descriptors_before_ = 0;
    std::unique_ptr<postgres_peer> peer_;
    std::unique_ptr<pg_connection> connection_;
    std::shared_ptr<pg_login> login_ = std::make_shared<pg_login>();
    std::string password_ = "a-password-of-thirty-nine-characters-kg";
};

/// A batch of one statement that appends the first column of each row.
[[nodiscard]] pg_batch select_into(std::vector<std::string>& texts);

} // namespace kallglot::test

#endif
