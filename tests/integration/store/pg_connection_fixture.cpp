#include "pg_connection_fixture.hpp"

#include <chrono>
#include <filesystem>
#include <iterator>
#include <utility>

namespace kallglot::test {

namespace {

steady_time after(steady_duration limit) {
    return std::chrono::steady_clock::now() + limit;
}

} // namespace

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

PgConnection::PgConnection() {
    workers_.emplace(loop_.executor(), "database", 4);
    login_->tls = false;
    login_->password = secret(password_);
    login_->ca_file = folder_.file("ca.pem", certificates_.authority().certificate_pem());
    connection_ = std::make_unique<pg_connection>(loop_.executor(), *workers_, environment_);
    descriptors_before_ = open_descriptors();
}

PgConnection::~PgConnection() {
    finish();
}

void PgConnection::finish() {
    connection_.reset();
    if (peer_) {
        // Every connection that was opened has been closed: the server sees the end of each.
        EXPECT_TRUE(loop_.run_until([&] { return peer_->deserted(); }));
        peer_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->finished(); }));
        peer_.reset();
    }
    loop_.poll();
}

void PgConnection::serve(std::vector<peer_script> scripts,
                         const std::optional<identity>& certificate) {
    std::optional<tls_context> tls;
    if (certificate) {
        tls_server_options options;
        options.cert_file = folder_.file("server.pem", certificate->chain_pem);
        options.key_file = folder_.file("server.key", certificate->private_key_pem);
        auto made = tls_context::make_server(options);
        ASSERT_TRUE(made) << made.error().message;
        tls = *made;
        login_->tls = true;
    }
    peer_ = std::make_unique<postgres_peer>(loop_.executor(), std::move(scripts), std::move(tls));
}

pg_address PgConnection::address(const std::string& host) const {
    return {host, "127.0.0.1", peer_->port()};
}

task<> PgConnection::open_into(pg_address server, pg_fault* fault, bool* ended) {
    *fault = co_await connection_->open(std::move(server), login_, after(std::chrono::hours(24)));
    *ended = true;
}

task<> PgConnection::run_into(pg_batch batch, pg_outcome* outcome, bool* ended) {
    *outcome = co_await connection_->run(std::move(batch), after(std::chrono::hours(24)));
    *ended = true;
}

namespace {

task<> open_until(pg_connection* connection,
                  pg_address server,
                  std::shared_ptr<const pg_login> login,
                  steady_time limit,
                  pg_fault* fault) {
    *fault = co_await connection->open(std::move(server), std::move(login), limit);
}

task<> run_until(pg_connection* connection,
                 pg_batch batch,
                 steady_time limit,
                 pg_outcome* outcome) {
    *outcome = co_await connection->run(std::move(batch), limit);
}

task<> listen_until(pg_connection* connection, steady_time limit, pg_fault* fault) {
    *fault = co_await connection->listen(limit);
}

} // namespace

pg_fault PgConnection::open(const pg_address& server, steady_duration limit) {
    pg_fault fault;
    EXPECT_TRUE(loop_.run(open_until(connection_.get(), server, login_, after(limit), &fault)));
    return fault;
}

void PgConnection::open() {
    const pg_fault fault = open(address());
    ASSERT_FALSE(fault) << describe(fault.kind) << ' ' << fault.sqlstate.text() << ' '
                        << fault.detail;
}

pg_outcome PgConnection::run(pg_batch batch, steady_duration limit) {
    pg_outcome outcome;
    EXPECT_TRUE(loop_.run(run_until(connection_.get(), std::move(batch), after(limit), &outcome)));
    return outcome;
}

pg_fault PgConnection::listen(steady_duration limit) {
    pg_fault fault;
    EXPECT_TRUE(loop_.run(listen_until(connection_.get(), after(limit), &fault)));
    return fault;
}

void PgConnection::cancel_when(task<> work, const std::function<bool()>& reached) {
    task_group group(loop_.executor(), loop::failure());
    group.spawn("to be cancelled", std::move(work));
    EXPECT_TRUE(loop_.run_until(reached));
    group.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    loop_.poll();
}

pg_batch select_into(std::vector<std::string>& texts) {
    pg_batch batch;
    batch.add("SELECT id FROM kallglot.sessions", {}, [&texts](const pg_row& row) {
        texts.emplace_back(row.text(0).value_or("NULL"));
    });
    return batch;
}

} // namespace kallglot::test
