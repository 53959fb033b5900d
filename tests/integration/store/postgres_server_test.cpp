#include "support/postgres_server.hpp"

#include "pg_connection_fixture.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

// The same key, with a password.
std::string encrypted(const std::string& pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
        BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr),
        EVP_PKEY_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(out.get(),
                                            key.get(),
                                            EVP_aes_256_cbc(),
                                            "password",
                                            8,
                                            nullptr,
                                            nullptr),
              1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

class PostgresServer : public PgConnection {
protected:
    static void SetUpTestSuite() {
        if (postgres_server::missing().empty()) {
            server_ = std::make_unique<postgres_server>();
        }
    }

    static void TearDownTestSuite() { server_.reset(); }

    void SetUp() override {
        if (!server_) {
            GTEST_SKIP() << postgres_server::missing();
        }
        login_->tls = true;
        login_->password = secret(postgres_server::password());
        login_->ca_file =
            folder_.file("server-ca.pem", server_->certificates().authority().certificate_pem());
    }

    [[nodiscard]] static pg_address over_tcp(const std::string& host = "localhost") {
        return {host, "127.0.0.1", server_->port()};
    }

    void open_over_tcp() {
        const pg_fault fault = open(over_tcp());
        ASSERT_FALSE(fault) << describe(fault.kind) << ' ' << fault.sqlstate.text() << ' '
                            << fault.detail;
    }

    /// The first column of the only row.
    [[nodiscard]] std::string ask(pg_sql sql) {
        std::string answer;
        pg_batch batch;
        batch.add(sql, {}, [&answer](const pg_row& row) { answer = row.text(0).value_or("NULL"); });
        const pg_outcome outcome = run(std::move(batch));
        EXPECT_FALSE(outcome.fault)
            << describe(outcome.fault.kind) << outcome.fault.sqlstate.text();
        return answer;
    }

    static std::unique_ptr<postgres_server> server_;
};

std::unique_ptr<postgres_server> PostgresServer::server_;

TEST_F(PostgresServer, LogsInWithPasswordOverTls) {
    open_over_tcp();
    EXPECT_EQ(ask("SELECT current_user::text"), "kallglot");
    EXPECT_EQ(ask("SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "true");
    EXPECT_EQ(ask("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"),
              "kallglot_exporter");
}

TEST_F(PostgresServer, AWrongPasswordIsRefused) {
    login_->password = secret("another-password-of-more-than-32-bytes");
    const pg_fault fault = open(over_tcp());
    EXPECT_EQ(fault.kind, pg_fault_kind::login_refused);
    EXPECT_EQ(fault.sqlstate.text(), "28P01");
}

TEST_F(PostgresServer, AnotherHostThanTheCertificateSaysIsNotTrusted) {
    EXPECT_EQ(open(over_tcp("database.example")).kind, pg_fault_kind::untrusted);
}

TEST_F(PostgresServer, LogsInWithACertificate) {
    certificate_wish wish;
    wish.common_name = "certified";
    wish.purpose = key_purpose::client;
    const identity client = server_->certificates().authority().issue(wish);
    login_->user = "certified";
    login_->password = secret();
    login_->client_cert_file = folder_.file("client.pem", client.certificate_pem);
    login_->client_key_file = folder_.file("client.key", client.private_key_pem);
    std::filesystem::permissions(login_->client_key_file, std::filesystem::perms::owner_read);
    open_over_tcp();
    EXPECT_EQ(ask("SELECT current_user::text"), "certified");
}

// OpenSSL would ask for the password on the terminal, and wait.
TEST_F(PostgresServer, AnEncryptedKeyIsRefused) {
    certificate_wish wish;
    wish.common_name = "certified";
    wish.purpose = key_purpose::client;
    const identity client = server_->certificates().authority().issue(wish);
    login_->client_cert_file = folder_.file("client.pem", client.certificate_pem);
    login_->client_key_file = folder_.file("client.key", encrypted(client.private_key_pem));
    std::filesystem::permissions(login_->client_key_file, std::filesystem::perms::owner_read);
    EXPECT_EQ(open(over_tcp()).kind, pg_fault_kind::login_refused);
}

TEST_F(PostgresServer, ACertificateThatIsMissingIsNoLogin) {
    login_->user = "certified";
    login_->password = secret();
    EXPECT_EQ(open(over_tcp()).kind, pg_fault_kind::login_refused);
}

// The right password is in ~/.pgpass, and nothing reads it.
TEST_F(PostgresServer, NothingOfTheHomeFolderIsRead) {
    const std::string home = folder_.path().string();
    const std::string file =
        folder_.file(".pgpass", "*:*:*:*:" + postgres_server::password() + "\n");
    std::filesystem::permissions(
        file,
        std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const char* const before = std::getenv("HOME");
    const std::string old = before != nullptr ? before : "";
    ::setenv("HOME", home.c_str(), 1);
    login_->password = secret();
    const pg_fault fault = open(over_tcp());
    ::setenv("HOME", old.c_str(), 1);
    EXPECT_EQ(fault.kind, pg_fault_kind::login_refused);
}

TEST_F(PostgresServer, LogsInOverAUnixSocket) {
    login_->tls = false;
    ASSERT_FALSE(open({server_->folder(), {}, server_->port()}));
    EXPECT_EQ(ask("SELECT current_user::text"), "kallglot");
}

TEST_F(PostgresServer, ParametersArriveAsTheyWereSent) {
    open_over_tcp();
    std::vector<std::string> ids;
    std::vector<std::optional<std::int64_t>> numbers;
    pg_parameters parameters;
    parameters.add(std::vector<std::int16_t>{7, -7})
        .add(std::vector<std::string>{"an-id'; DROP TABLE sessions; --", ""})
        .add(std::vector<std::optional<std::int64_t>>{std::nullopt, 1'700'000'000'123});
    pg_batch batch;
    batch.add(
        "SELECT shard, id, since FROM unnest($1::smallint[], $2::text[], $3::bigint[]) AS t(shard, "
        "id, since)",
        parameters,
        [&](const pg_row& row) {
            ids.emplace_back(row.text(1).value_or("NULL"));
            numbers.push_back(row.integer(0));
            numbers.push_back(row.integer(2));
        });
    const pg_outcome outcome = run(std::move(batch));
    EXPECT_FALSE(outcome.fault);
    EXPECT_EQ(ids, (std::vector<std::string>{"an-id'; DROP TABLE sessions; --", ""}));
    EXPECT_EQ(numbers,
              (std::vector<std::optional<std::int64_t>>{7, std::nullopt, -7, 1'700'000'000'123}));
    EXPECT_EQ(outcome.row_counts, std::vector<std::uint64_t>{2});
}

TEST_F(PostgresServer, ManyRowsArriveOneByOne) {
    open_over_tcp();
    std::int64_t sum = 0;
    std::int64_t rows = 0;
    pg_batch batch;
    batch.add("SELECT n, repeat('x', 100) FROM generate_series(1, 200000) AS s(n)",
              {},
              [&](const pg_row& row) {
                  sum += row.integer(0).value_or(0);
                  ++rows;
              });
    const pg_outcome outcome = run(std::move(batch));
    EXPECT_FALSE(outcome.fault) << describe(outcome.fault.kind);
    EXPECT_EQ(rows, 200'000);
    EXPECT_EQ(sum, 200'000LL * 200'001 / 2);
}

TEST_F(PostgresServer, APipelineIsOneTransaction) {
    open_over_tcp();
    pg_batch batch;
    std::string level;
    batch.add("BEGIN")
        .add("SET LOCAL synchronous_commit = off")
        .add("SELECT pg_catalog.current_setting('synchronous_commit')",
             {},
             [&](const pg_row& row) { level = row.text(0).value_or(""); })
        .add("COMMIT");
    EXPECT_FALSE(run(std::move(batch)).fault);
    EXPECT_EQ(level, "off");
    EXPECT_EQ(ask("SELECT pg_catalog.current_setting('synchronous_commit')"), "on");
}

TEST_F(PostgresServer, AnErrorInAPipelineUndoesAll) {
    open_over_tcp();
    EXPECT_EQ(server_->ask("DROP TABLE IF EXISTS public.undone"), "");
    pg_batch batch;
    batch.add("BEGIN").add("CREATE TEMPORARY TABLE undone(n int)").add("SELECT 1/0").add("COMMIT");
    const pg_outcome outcome = run(std::move(batch));
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::rejected);
    EXPECT_EQ(outcome.fault.sqlstate.text(), "22012");
    EXPECT_FALSE(connection_->is_open());
}

TEST_F(PostgresServer, NotificationsArrive) {
    open_over_tcp();
    std::vector<std::string> payloads;
    connection_->on_notification([&](std::string_view payload) { payloads.emplace_back(payload); });
    pg_batch batch;
    batch.add("LISTEN kallglot_0a1b2c3d");
    EXPECT_FALSE(run(std::move(batch)).fault);
    // The channel is of the database, so the sender is a connection to it.
    pg_batch notify;
    notify.add("BEGIN")
        .add("SELECT pg_catalog.pg_notify('kallglot_0a1b2c3d', 'ffff0000')")
        .add("COMMIT");
    EXPECT_FALSE(run(std::move(notify)).fault);
    if (payloads.empty()) {
        EXPECT_FALSE(listen());
    }
    EXPECT_EQ(payloads, std::vector<std::string>{"ffff0000"});
}

TEST_F(PostgresServer, AKilledBackendIsNoticed) {
    open_over_tcp();
    EXPECT_EQ(server_->ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                           "application_name = 'kallglot_exporter'"),
              "t");
    const pg_fault fault = listen();
    EXPECT_EQ(fault.kind, pg_fault_kind::lost);
    EXPECT_EQ(fault.sqlstate.text(), "57P01");
    EXPECT_TRUE(server_->wait_until(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kallglot_exporter'",
        "0"));
}

// The wait for a standby that does not exist is cancelled, as poolers do: the server calls it a success.
TEST_F(PostgresServer, ACommitWithoutItsStandbyIsNotConfirmed) {
    login_->tls = true;
    open_over_tcp();
    EXPECT_EQ(server_->ask("ALTER SYSTEM SET synchronous_standby_names = 'absent_standby'"), "");
    EXPECT_EQ(server_->ask("SELECT pg_reload_conf()"), "t");
    ASSERT_TRUE(server_->wait_until("SHOW synchronous_standby_names", "absent_standby"));
    pg_batch batch;
    batch.add("CREATE TABLE IF NOT EXISTS replicated(n int)");
    pg_outcome outcome;
    bool ended = false;
    task_group group(loop_.executor(), loop::failure());
    group.spawn("batch", run_into(std::move(batch), &outcome, &ended));
    // The batch is sent in the first turns. Then the backend waits.
    loop_.poll();
    ASSERT_TRUE(
        server_->wait_until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
                            "1"));
    EXPECT_EQ(
        server_->ask(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
        "t");
    EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    loop_.poll();
    EXPECT_FALSE(outcome.fault) << describe(outcome.fault.kind);
    EXPECT_FALSE(outcome.confirmed);
    EXPECT_EQ(server_->ask("ALTER SYSTEM RESET synchronous_standby_names"), "");
    EXPECT_EQ(server_->ask("SELECT pg_reload_conf()"), "t");
}

TEST_F(PostgresServer, AStatementOverItsLimitIsGivenUp) {
    open_over_tcp();
    pg_batch batch;
    batch.add("SELECT pg_catalog.pg_sleep(3600)");
    const pg_outcome outcome = run(std::move(batch), milliseconds(100));
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::overdue);
    EXPECT_TRUE(outcome.fault.outcome_unknown);
    EXPECT_FALSE(connection_->is_open());
    static_cast<void>(
        server_->ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                     "application_name = 'kallglot_exporter'"));
}

TEST_F(PostgresServer, ARoleThatHidesWarningsIsNotUsed) {
    EXPECT_EQ(server_->ask("ALTER ROLE kallglot SET client_min_messages = error"), "");
    EXPECT_EQ(open(over_tcp()).kind, pg_fault_kind::unsuitable);
    EXPECT_EQ(server_->ask("ALTER ROLE kallglot RESET client_min_messages"), "");
}

TEST_F(PostgresServer, AReadOnlyServerIsNotUsed) {
    EXPECT_EQ(server_->ask("ALTER ROLE kallglot SET default_transaction_read_only = on"), "");
    EXPECT_EQ(open(over_tcp()).kind, pg_fault_kind::unsuitable);
    EXPECT_EQ(server_->ask("ALTER ROLE kallglot RESET default_transaction_read_only"), "");
}

} // namespace
} // namespace kallglot::test
