// Fixture of tests against a real PostgreSQL server: one server a suite, from the first test that needs it,
// and for each test a database without our tables.

#ifndef KALLGLOT_TEST_STORE_REAL_DATABASE_HPP
#define KALLGLOT_TEST_STORE_REAL_DATABASE_HPP

#include "kallglot/async/worker_thread.hpp"
#include "store/postgresql/pg_schema.hpp"
#include "support/loop.hpp"
#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace kallglot::test {

class RealDatabase : public ::testing::Test {
protected:
    static void TearDownTestSuite();

    void SetUp() override;
    void TearDown() override;

    /// A connection over the Unix socket.
    [[nodiscard]] std::unique_ptr<pg_connection> connect(const std::string& user = "kallglot");

    /// Runs a batch to its end.
    [[nodiscard]] pg_outcome run(pg_connection& connection, pg_batch batch);
    [[nodiscard]] static task<> run_into(pg_connection* connection,
                                         pg_batch batch,
                                         pg_outcome* outcome);

    [[nodiscard]] schema_opening open_tables(pg_connection& connection);
    [[nodiscard]] static task<> open_into(pg_connection* connection, schema_opening* opening);

    /// A statement of the superuser in our database: the first value of the answer, or the error.
    [[nodiscard]] static std::string ask(const std::string& sql);

    /// Commits wait for a standby that does not exist, until let_commits_go().
    static void hold_commits();
    static void let_commits_go();

    /// The server gives up that wait for one backend, as it does for a client that is cancelled.
    static void interrupt_held_commits();

    /// A backend waits for the standby.
    [[nodiscard]] static bool commit_is_held();

    static std::unique_ptr<postgres_server> server_;
    loop loop_;
    std::optional<worker_set> workers_;
};

} // namespace kallglot::test

#endif
