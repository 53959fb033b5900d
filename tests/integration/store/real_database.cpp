#include "real_database.hpp"

#include <chrono>
#include <utility>

namespace kallglot::test {

namespace {

steady_time in_a_day() {
    return std::chrono::steady_clock::now() + std::chrono::hours(24);
}

task<> open_connection(pg_connection* connection,
                       pg_address server,
                       std::shared_ptr<const pg_login> login,
                       pg_fault* fault) {
    *fault = co_await connection->open(std::move(server), std::move(login), in_a_day());
}

} // namespace

std::unique_ptr<postgres_server> RealDatabase::server_;

void RealDatabase::TearDownTestSuite() {
    server_.reset();
}

void RealDatabase::SetUp() {
    if (!postgres_server::missing().empty()) {
        GTEST_SKIP() << postgres_server::missing();
    }
    // Here and not before the suite: some tests of a suite need none.
    if (!server_) {
        server_ = std::make_unique<postgres_server>();
    }
    workers_.emplace(loop_.executor(), "database", 4);
    EXPECT_EQ(ask("DROP SCHEMA IF EXISTS kallglot CASCADE"), "");
}

void RealDatabase::TearDown() {
    if (server_) {
        let_commits_go();
    }
}

std::unique_ptr<pg_connection> RealDatabase::connect(const std::string& user) {
    auto connection =
        std::make_unique<pg_connection>(loop_.executor(), *workers_, pg_environment::clear());
    auto login = std::make_shared<pg_login>();
    login->tls = false;
    login->user = user;
    pg_fault fault;
    EXPECT_TRUE(loop_.run(open_connection(connection.get(),
                                          {server_->folder(), {}, server_->port()},
                                          std::move(login),
                                          &fault)));
    EXPECT_FALSE(fault) << describe(fault.kind) << ' ' << fault.sqlstate.text();
    return connection;
}

pg_outcome RealDatabase::run(pg_connection& connection, pg_batch batch) {
    pg_outcome outcome;
    EXPECT_TRUE(loop_.run(run_into(&connection, std::move(batch), &outcome)));
    return outcome;
}

task<> RealDatabase::run_into(pg_connection* connection, pg_batch batch, pg_outcome* outcome) {
    *outcome = co_await connection->run(std::move(batch), in_a_day());
}

task<> RealDatabase::open_into(pg_connection* connection, schema_opening* opening) {
    *opening = co_await open_schema(connection, in_a_day());
}

schema_opening RealDatabase::open_tables(pg_connection& connection) {
    schema_opening opening;
    EXPECT_TRUE(loop_.run(open_into(&connection, &opening)));
    return opening;
}

std::string RealDatabase::ask(const std::string& sql) {
    return server_->ask(sql, "kallglot");
}

void RealDatabase::hold_commits() {
    EXPECT_EQ(ask("ALTER SYSTEM SET synchronous_standby_names = 'absent_standby'"), "");
    EXPECT_EQ(ask("SELECT pg_reload_conf()"), "t");
    EXPECT_TRUE(server_->wait_until("SHOW synchronous_standby_names", "absent_standby"));
}

void RealDatabase::let_commits_go() {
    EXPECT_EQ(ask("ALTER SYSTEM RESET synchronous_standby_names"), "");
    EXPECT_EQ(ask("SELECT pg_reload_conf()"), "t");
    EXPECT_TRUE(server_->wait_until("SHOW synchronous_standby_names", ""));
}

void RealDatabase::interrupt_held_commits() {
    EXPECT_EQ(ask("SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity"
                  " WHERE wait_event = 'SyncRep'"),
              "t");
}

bool RealDatabase::commit_is_held() {
    return server_->wait_until(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        "t");
}

} // namespace kallglot::test
