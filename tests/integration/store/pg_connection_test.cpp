#include "pg_connection_fixture.hpp"
#include "support/inline_worker.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using namespace postgres;
using what = peer_step::kind;

const std::string long_id = "sip:+4915112345678@gateway-of-a-carrier.example";

// The answer to one batch, behind its Sync.
std::vector<peer_step> answered(std::string bytes) {
    return {{what::await_message, "S"}, {what::send, std::move(bytes)}};
}

TEST_F(PgConnection, OpensRunsAndCloses) {
    serve({opened_then(answered(rows({{long_id}, {long_id}}) + ready()))});
    open();
    std::vector<std::string> ids;
    const pg_outcome outcome = run(select_into(ids));
    EXPECT_FALSE(outcome.fault) << describe(outcome.fault.kind);
    EXPECT_EQ(ids, (std::vector<std::string>{long_id, long_id}));
    finish();
    EXPECT_LE(open_descriptors(), descriptors_before_ + 4); // the threads' own
}

TEST_F(PgConnection, SendsNothingOfTheEnvironment) {
    serve({opened_then({})});
    open();
    const std::string& startup = peer_->connections().front().startup;
    for (const std::string word :
         {"timezone", "TimeZone", "datestyle", "geqo", "options", "replication"}) {
        EXPECT_EQ(startup.find(word), std::string::npos) << word;
    }
    EXPECT_NE(startup.find("kallglot_exporter"), std::string::npos);
}

TEST_F(PgConnection, TlsIsVerified) {
    serve({opened_then(answered(rows({{long_id}}) + ready()))}, certificates_.good());
    open();
    std::vector<std::string> ids;
    EXPECT_FALSE(run(select_into(ids)).fault);
    EXPECT_EQ(ids.size(), 1U);
}

// Each certificate that is wrong, and a server without TLS: the password is not sent.
TEST_F(PgConnection, NoPasswordForAServerThatIsNotTrusted) {
    for (const identity& bad : {certificates_.wrong_host(),
                                certificates_.expired(),
                                certificates_.not_yet_valid(),
                                certificates_.self_signed(),
                                certificates_.unknown_authority(),
                                certificates_.client_only()}) {
        peer_script script;
        script.steps = {{what::send, authentication(3)}, {what::await_message, "p"}};
        serve({script}, bad);
        EXPECT_EQ(open(address()).kind, pg_fault_kind::untrusted);
        EXPECT_FALSE(connection_->is_open());
        EXPECT_FALSE(peer_->connections().front().received(password_));
        peer_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->finished(); }));
    }
}

TEST_F(PgConnection, AServerWithoutTlsIsNotTrusted) {
    // Refused; an error of an old server; an answer that does not exist; plain text behind the S, as an attacker inserts it.
    for (const std::string& answer :
         {std::string("N"), error({.severity = "FATAL"}), std::string("G"), "S" + welcome()}) {
        peer_script script;
        script.tls_answer = answer;
        // libpq notices what was inserted when the handshake is complete, so that one must succeed.
        serve({script}, certificates_.good());
        const pg_fault fault = open(address());
        EXPECT_TRUE(fault);
        EXPECT_NE(fault.kind, pg_fault_kind::overdue);
        EXPECT_FALSE(peer_->connections().front().received(password_));
        peer_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->finished(); }));
    }
}

// A proxy may send larger records than PostgreSQL. The rest of one stays in OpenSSL while the socket is silent.
TEST_F(PgConnection, ATlsRecordLargerThanTheBufferIsReadToItsEnd) {
    const std::string filler(5'000, 'x');
    std::string answer = rows({{filler}, {filler}, {filler}}) + ready();
    ASSERT_LT(answer.size(), 16'384U);
    // The first bytes alone, so that the large record finds libpq's buffer partly full.
    serve({opened_then({{what::await_message, "S"},
                        {what::send, answer.substr(0, 60)},
                        {what::send, answer.substr(60)},
                        {what::await_message, "S"},
                        {what::send, rows({{std::string(16'200, 'y')}}) + ready()}})},
          certificates_.good());
    open();
    std::vector<std::string> texts;
    EXPECT_FALSE(run(select_into(texts)).fault);
    EXPECT_FALSE(run(select_into(texts)).fault);
    EXPECT_EQ(texts.size(), 4U);
}

TEST_F(PgConnection, DrippingIsOnlySlow) {
    std::vector<peer_step> steps{{what::drip, welcome()},
                                 {what::await_message, "S"},
                                 {what::drip, checked()},
                                 {what::await_message, "S"},
                                 {what::drip, rows({{long_id}}) + ready()}};
    for (const bool tls : {false, true}) {
        peer_script script;
        script.steps = steps;
        serve({script}, tls ? std::optional(certificates_.good()) : std::nullopt);
        open();
        std::vector<std::string> ids;
        EXPECT_FALSE(run(select_into(ids)).fault);
        EXPECT_EQ(ids.size(), 1U);
        connection_->close();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->deserted(); }));
        peer_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->finished(); }));
    }
}

// Over TLS too, and in the middle of its handshake: the end is seen, whatever the last byte was.
TEST_F(PgConnection, AResetEndsAnything) {
    for (const std::size_t cut :
         {std::size_t{0}, std::size_t{5}, std::size_t{40}, welcome().size()}) {
        peer_script script;
        script.steps = {{what::send, welcome().substr(0, cut)}, {what::reset}};
        serve({script}, certificates_.good());
        const pg_fault fault = open(address());
        EXPECT_TRUE(fault.kind == pg_fault_kind::lost || fault.kind == pg_fault_kind::malformed)
            << describe(fault.kind);
        peer_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->finished(); }));
    }
}

// The limits below are over before the loop turns: only their order matters, not the time.
TEST_F(PgConnection, SilenceEndsAtTheLimit) {
    peer_script silent;
    silent.stall = true;
    peer_script half;
    half.steps = {{what::send, welcome().substr(0, 30)}, {what::stall}};
    peer_script flooding;
    flooding.steps = {{what::send, authentication(0)},
                      {what::flood, notice({.severity = "NOTICE", .code = "00000"})}};
    for (const peer_script& script : {silent, half, flooding}) {
        serve({script});
        EXPECT_EQ(open(address(), milliseconds(50)).kind, pg_fault_kind::overdue);
        EXPECT_FALSE(connection_->is_open());
        EXPECT_TRUE(loop_.run_until([&] { return peer_->deserted(); }));
        peer_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return peer_->finished(); }));
    }
}

TEST_F(PgConnection, AStatementEndsAtItsLimit) {
    serve({opened_then({{what::await_message, "S"}, {what::stall}})});
    open();
    std::vector<std::string> ids;
    const pg_outcome outcome = run(select_into(ids), milliseconds(50));
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::overdue);
    EXPECT_TRUE(outcome.fault.outcome_unknown);
    EXPECT_FALSE(connection_->is_open());
}

// The socket is always ready, so the timer alone would never get its turn.
TEST_F(PgConnection, AFloodOfNoticesDoesNotOutliveTheLimit) {
    serve({opened_then({{what::await_message, "S"},
                        {what::flood, notice({.severity = "NOTICE", .code = "00000"})}})});
    open();
    std::vector<std::string> ids;
    const pg_outcome outcome = run(select_into(ids), milliseconds(50));
    EXPECT_TRUE(outcome.fault.kind == pg_fault_kind::overdue
                || outcome.fault.kind == pg_fault_kind::too_large);
    EXPECT_FALSE(connection_->is_open());
}

// The server reads nothing and its receive buffer is full: the end does not wait for it.
TEST_F(PgConnection, AServerThatDoesNotReadIsLeft) {
    serve({opened_then({{what::ignore}})});
    open();
    pg_batch batch;
    pg_parameters large;
    large.add(std::string_view(std::string(16'000'000, 'x')));
    batch.add("SELECT $1", large);
    const pg_outcome outcome = run(std::move(batch), milliseconds(50));
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::overdue);
    EXPECT_FALSE(connection_->is_open());
    peer_->stop();
}

TEST_F(PgConnection, ACancelledOpeningLeavesNothing) {
    peer_script silent;
    silent.stall = true;
    serve({silent});
    pg_fault fault;
    bool ended = false;
    cancel_when(open_into(address(), &fault, &ended),
                [&] { return peer_->connections().size() == 1; });
    EXPECT_FALSE(connection_->is_open());
    EXPECT_TRUE(loop_.run_until([&] { return peer_->deserted(); }));
}

// libpq reads a key on a mount that hangs, for example. The loop turns, and the caller can leave.
TEST_F(PgConnection, AStuckStepOfALoginCanBeLeft) {
    serve({opened_then({})});
    inline_worker stuck(loop_.executor());
    stuck.hold = [&] {
        return stuck.calls == 2;
    };
    connection_ = std::make_unique<pg_connection>(loop_.executor(), stuck, environment_);
    pg_fault fault;
    bool ended = false;
    cancel_when(open_into(address(), &fault, &ended), [&] { return stuck.calls >= 2; });
    EXPECT_EQ(fault.kind, pg_fault_kind::cancelled);
    EXPECT_FALSE(connection_->is_open());
    connection_.reset();
    // The step returns at last. It was the last owner, so its socket is closed.
    stuck.release();
    EXPECT_TRUE(
        loop_.run_until([&] { return !peer_->connections().empty() && peer_->deserted(); }));
}

TEST_F(PgConnection, ACancelledBatchClosesTheConnection) {
    serve({opened_then({{what::await_message, "S"}, {what::stall}})});
    open();
    std::vector<std::string> ids;
    pg_outcome outcome;
    bool ended = false;
    cancel_when(run_into(select_into(ids), &outcome, &ended),
                [&] { return peer_->connections().front().received("FROM kallglot.sessions"); });
    EXPECT_FALSE(connection_->is_open());
    EXPECT_TRUE(loop_.run_until([&] { return peer_->deserted(); }));
}

TEST_F(PgConnection, ListensUntilANotification) {
    serve({opened_then(
        {{what::send, notification("kallglot_0a1b2c3d", "ffffffff00000000")}, {what::stall}})});
    open();
    std::vector<std::string> payloads;
    connection_->on_notification([&](std::string_view payload) { payloads.emplace_back(payload); });
    EXPECT_FALSE(listen());
    EXPECT_EQ(payloads, std::vector<std::string>{"ffffffff00000000"});
    // Nothing more comes: the limit is no fault, and the connection stays.
    EXPECT_FALSE(listen(milliseconds(1)));
    EXPECT_TRUE(connection_->is_open());
}

TEST_F(PgConnection, ListeningNoticesTheEndOfTheServer) {
    serve({opened_then(
        {{what::send, error({.severity = "FATAL", .code = "57P01"})}, {what::close}})});
    open();
    const pg_fault fault = listen();
    EXPECT_EQ(fault.kind, pg_fault_kind::lost);
    EXPECT_EQ(fault.sqlstate.text(), "57P01");
    EXPECT_FALSE(connection_->is_open());
}

TEST_F(PgConnection, NothingRunsWithoutAConnection) {
    serve({opened_then({})});
    std::vector<std::string> ids;
    EXPECT_EQ(run(select_into(ids)).fault.kind, pg_fault_kind::lost);
    EXPECT_EQ(listen().kind, pg_fault_kind::lost);
}

} // namespace
} // namespace kallglot::test
