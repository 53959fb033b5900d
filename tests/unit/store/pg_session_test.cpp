#include "pg_session_fixture.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using namespace postgres;

std::size_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

pg_batch one_select(std::vector<std::string>& into) {
    pg_batch batch;
    batch.add("SELECT id FROM kallglot.sessions", {}, [&into](const pg_row& row) {
        into.emplace_back(row.text(0).value_or("NULL"));
    });
    return batch;
}

// Everything a server says from the accept to the end of one batch.
std::string whole_conversation() {
    return welcome() + checked()
           + rows({{"sip:+4915112345678@example.com;first"},
                   {"sip:+4915112345678@example.com;second"}})
           + ready();
}

TEST_F(PgSession, FirstWaitsUntilTheSocketCanBeWritten) {
    connect();
    EXPECT_EQ(step_, pg_step::wait_write);
}

TEST_F(PgSession, OpensAndRunsABatch) {
    open();
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    EXPECT_EQ(step_, pg_step::wait_read);
    say(rows({{"first-id-of-more-than-32-characters"}, {"second-id-of-more-than-32-characters"}})
        + ready());
    advance();
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_FALSE(outcome.fault) << describe(outcome.fault.kind);
    EXPECT_TRUE(outcome.confirmed);
    EXPECT_EQ(outcome.row_counts, std::vector<std::uint64_t>{2});
    EXPECT_EQ(ids,
              (std::vector<std::string>{"first-id-of-more-than-32-characters",
                                        "second-id-of-more-than-32-characters"}));
    EXPECT_TRUE(session_->is_idle());
}

TEST_F(PgSession, APipelineIsOneTransactionWithOneSync) {
    open();
    pg_batch batch;
    batch.add("BEGIN").add("UPDATE kallglot.replicas SET beat = beat + 1").add("COMMIT");
    step_ = session_->send(std::move(batch));
    const std::string sent = heard();
    EXPECT_NE(sent.find("UPDATE kallglot.replicas"), std::string::npos);
    EXPECT_TRUE(sent.ends_with("S" + int32(4)));
    say(done("BEGIN") + done("UPDATE 7") + done("COMMIT") + ready());
    advance();
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_FALSE(outcome.fault);
    EXPECT_EQ(outcome.row_counts, (std::vector<std::uint64_t>{0, 7, 0}));
}

TEST_F(PgSession, GoesOnByteByByte) {
    connect();
    advance();
    std::vector<std::string> ids;
    bool sent = false;
    for (const char each : whole_conversation()) {
        say(std::string(1, each));
        advance();
        if (!sent && session_->is_idle()) {
            step_ = session_->send(one_select(ids));
            sent = true;
        }
    }
    EXPECT_EQ(step_, pg_step::done);
    EXPECT_FALSE(session_->fault());
    EXPECT_EQ(ids.size(), 2U);
}

// The server goes away after each possible byte: an end with a fault each time, and no descriptor stays.
TEST_F(PgSession, EndsWhereverTheServerDoes) {
    const std::string all = whole_conversation();
    const std::size_t before = descriptors();
    for (std::size_t cut = 0; cut < all.size(); ++cut) {
        connect();
        advance();
        std::vector<std::string> ids;
        bool sent = false;
        for (std::size_t i = 0; i < cut && step_ != pg_step::done; ++i) {
            say(all.substr(i, 1));
            advance();
            if (!sent && session_->is_idle()) {
                step_ = session_->send(one_select(ids));
                sent = true;
            }
        }
        hang_up();
        advance();
        ASSERT_EQ(step_, pg_step::done) << cut;
        if (session_->is_idle()) {
            // Between login and batch: noticed by the next step.
            step_ = session_->go_on();
        }
        ASSERT_TRUE(session_->fault()) << cut;
        ASSERT_FALSE(session_->is_open()) << cut;
        ASSERT_EQ(session_->fault().outcome_unknown, sent) << cut;
        session_.reset();
        ASSERT_EQ(descriptors(), before) << cut;
    }
}

TEST_F(PgSession, AStandbyIsNotUsed) {
    for (const std::string& answer :
         {checked(false, "on"), checked(true, "on"), checked(true, "off", "error")}) {
        connect();
        advance();
        say(welcome());
        advance();
        say(answer);
        advance();
        EXPECT_EQ(session_->fault().kind, pg_fault_kind::unsuitable);
        EXPECT_FALSE(session_->fault().detail.empty());
        EXPECT_FALSE(session_->is_open());
    }
}

TEST_F(PgSession, AnOldServerIsNotUsed) {
    connect();
    advance();
    say(welcome("12.9"));
    advance();
    EXPECT_EQ(session_->fault().kind, pg_fault_kind::unsuitable);
}

// The code of an error at the login is known, its text is not: it may name user and host.
TEST_F(PgSession, ARefusedLoginHasItsCode) {
    connect();
    advance();
    say(error({.severity = "FATAL",
               .code = "28P01",
               .text = "password authentication failed for user \"kallglot\""}));
    advance();
    EXPECT_EQ(session_->fault().kind, pg_fault_kind::login_refused);
    EXPECT_EQ(session_->fault().sqlstate.text(), "28P01");
}

TEST_F(PgSession, UnknownLoginsAreRefused) {
    // Kerberos 5, SCM, GSS, SSPI, SASL without a mechanism that is known, and one that does not exist.
    for (const std::string& request : {authentication(2),
                                       authentication(6),
                                       authentication(7),
                                       authentication(9),
                                       authentication(10, text("OAUTHBEARER-AND-OTHERS") + '\0'),
                                       authentication(4711)}) {
        connect();
        advance();
        say(request);
        advance();
        EXPECT_EQ(step_, pg_step::done);
        EXPECT_TRUE(session_->fault());
        EXPECT_FALSE(session_->is_open());
    }
}

TEST_F(PgSession, AnErrorOfOneStatementKeepsTheConnection) {
    open();
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    say(error({.code = "55P03"}) + ready());
    advance();
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::rejected);
    EXPECT_EQ(outcome.fault.sqlstate.text(), "55P03");
    EXPECT_FALSE(outcome.fault.outcome_unknown);
    EXPECT_TRUE(session_->is_idle());
}

TEST_F(PgSession, AnErrorInAPipelineClosesIt) {
    open();
    pg_batch batch;
    batch.add("BEGIN").add("SELECT 1").add("COMMIT");
    step_ = session_->send(std::move(batch));
    say(done("BEGIN") + error({.code = "40001"}) + ready('E'));
    advance();
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::rejected);
    EXPECT_EQ(outcome.fault.sqlstate.text(), "40001");
    EXPECT_FALSE(outcome.fault.outcome_unknown);
    EXPECT_FALSE(session_->is_open());
}

TEST_F(PgSession, AServerThatBecameReadOnlyIsLeft) {
    open();
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    say(error({.code = "25006"}) + ready());
    advance();
    EXPECT_EQ(session_->fault().sqlstate.text(), "25006");
    EXPECT_FALSE(session_->is_open());
}

TEST_F(PgSession, AFatalErrorLeavesTheOutcomeUnknown) {
    open();
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    say(error({.severity = "FATAL", .code = "57P01"}));
    advance();
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::lost);
    EXPECT_EQ(outcome.fault.sqlstate.text(), "57P01");
    EXPECT_TRUE(outcome.fault.outcome_unknown);
    EXPECT_FALSE(session_->is_open());
}

// The server said goodbye while nothing was asked: the batch is not sent, so its outcome is known.
TEST_F(PgSession, NothingIsSentToAServerThatHasStopped) {
    open();
    say(error({.severity = "FATAL", .code = "57P01"}));
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    EXPECT_EQ(step_, pg_step::done);
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_EQ(outcome.fault.kind, pg_fault_kind::lost);
    EXPECT_EQ(outcome.fault.sqlstate.text(), "57P01");
    EXPECT_FALSE(outcome.fault.outcome_unknown);
    EXPECT_EQ(heard().find("SELECT"), std::string::npos);
}

// The commit succeeds, with a warning in any language: it is not on the standby.
TEST_F(PgSession, ACommitThatNoStandbyConfirmedIsNotConfirmed) {
    for (const report& warning : {report{.severity = "WARNING",
                                         .code = "01000",
                                         .text = "storniere Warten auf synchrone Replikation",
                                         .file = "syncrep.c"},
                                  report{.severity = "WARNING",
                                         .code = "01000",
                                         .text = "canceling wait for synchronous replication",
                                         .file = ""}}) {
        open();
        pg_batch batch;
        batch.add("INSERT INTO kallglot.inbox SELECT 1");
        step_ = session_->send(std::move(batch));
        say(message('1', "") + message('2', "") + message('n', "")
            + message('C', text("INSERT 0 1")) + notice(warning) + ready());
        advance();
        const pg_outcome outcome = session_->take_outcome();
        EXPECT_FALSE(outcome.fault);
        EXPECT_FALSE(outcome.confirmed);
    }
}

TEST_F(PgSession, OtherNoticesChangeNothing) {
    open();
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    say(notice(
            {.severity = "WARNING", .code = "01000", .text = "there is no transaction in progress"})
        + rows({{"an-id"}}) + ready());
    advance();
    const pg_outcome outcome = session_->take_outcome();
    EXPECT_FALSE(outcome.fault);
    EXPECT_TRUE(outcome.confirmed);
}

TEST_F(PgSession, NotificationsArriveInABatchAndBetween) {
    open();
    std::vector<std::string> payloads;
    session_->on_notification = [&](std::string_view payload) {
        payloads.emplace_back(payload);
    };
    say(notification("kallglot_0a1b2c3d", "first"));
    EXPECT_EQ(session_->go_on(), pg_step::wait_read);
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    say(notification("kallglot_0a1b2c3d", "second") + rows({{"an-id"}}) + ready());
    advance();
    EXPECT_EQ(payloads, (std::vector<std::string>{"first", "second"}));
    EXPECT_EQ(ids.size(), 1U);
}

TEST_F(PgSession, ATransactionThatStaysOpenClosesTheConnection) {
    open();
    pg_batch batch;
    batch.add("BEGIN");
    step_ = session_->send(std::move(batch));
    say(done("BEGIN") + ready('T'));
    advance();
    EXPECT_EQ(session_->fault().kind, pg_fault_kind::malformed);
    EXPECT_FALSE(session_->is_open());
}

// libpq calls it the end of the batch, with no error: an acknowledgement of nothing.
TEST_F(PgSession, ReadyWithoutAnAnswerIsNoSuccess) {
    for (const std::string& answer : {ready(), done("BEGIN") + ready()}) {
        open();
        pg_batch batch;
        batch.add("BEGIN").add("INSERT INTO kallglot.inbox SELECT 1").add("COMMIT");
        step_ = session_->send(std::move(batch));
        say(answer);
        advance();
        const pg_outcome outcome = session_->take_outcome();
        EXPECT_EQ(outcome.fault.kind, pg_fault_kind::malformed);
        EXPECT_TRUE(outcome.fault.outcome_unknown);
        EXPECT_FALSE(session_->is_open());
    }
}

// What no server of PostgreSQL sends: each ends with a fault, none hangs, none allocates what a length announces.
TEST_F(PgSession, NonsenseEndsTheConnection) {
    for (const std::string& nonsense :
         {std::string(64, '\0'),
          std::string(64, '\xFF'),
          'D' + int32(3),
          'D' + int32(0xFFFFFFFF),
          'Z' + int32(0x7FFFFFFF),
          message('G', std::string("\0\0\0", 3)),
          message('I', ""),
          message('1', "") + message('2', "") + message('D', int16(3)),
          message('1', "") + message('2', "") + row_description(1) + row({"a", "b"}),
          rows({{"an-id"}}) + rows({{"an-id"}}) + ready()}) {
        open();
        std::vector<std::string> ids;
        step_ = session_->send(one_select(ids));
        say(nonsense);
        advance();
        hang_up();
        advance();
        EXPECT_EQ(step_, pg_step::done);
        EXPECT_TRUE(session_->fault());
        EXPECT_TRUE(session_->fault().outcome_unknown);
        EXPECT_FALSE(session_->is_open());
    }
}

TEST_F(PgSession, ARowBeyondTheLimitEndsTheConnection) {
    open();
    std::vector<std::string> ids;
    step_ = session_->send(one_select(ids));
    say(message('1', "") + message('2', "") + row_description(1) + 'D' + int32(0x3FFFFFFF)
        + int16(1) + int32(0x3FFFFFF0));
    const std::string piece(64 * 1024, 'x');
    std::size_t sent = 0;
    for (; step_ != pg_step::done && sent < 2 * pg_session::max_bytes_without_row;
         sent += piece.size()) {
        say(piece);
        advance();
    }
    EXPECT_EQ(session_->fault().kind, pg_fault_kind::too_large);
    EXPECT_FALSE(session_->is_open());
}

// Neither side reads: what the kernel does not take waits, and is sent when the server reads again.
TEST_F(PgSession, WaitsForBothDirectionsWhileOutputIsLeft) {
    open();
    pg_batch batch;
    pg_parameters large;
    large.add(std::string_view(std::string(8'000'000, 'x')));
    batch.add("SELECT $1", large);
    step_ = session_->send(std::move(batch));
    EXPECT_EQ(step_, pg_step::wait_either);
    // The server sends before it reads on.
    say(notice({.severity = "NOTICE", .code = "00000"}));
    std::size_t received = 0;
    for (int rounds = 0; rounds < max_steps && step_ != pg_step::wait_read; ++rounds) {
        received += heard().size();
        advance();
    }
    received += heard().size();
    EXPECT_EQ(step_, pg_step::wait_read);
    EXPECT_GT(received, 8'000'000U);
}

TEST_F(PgSession, AnEndByTheCallerClosesAtOnce) {
    open();
    std::vector<std::string> ids;
    const std::size_t before = descriptors();
    step_ = session_->send(one_select(ids));
    session_->end(pg_fault_kind::overdue);
    EXPECT_FALSE(session_->is_open());
    EXPECT_EQ(descriptors(), before - 1);
    EXPECT_EQ(session_->fault().kind, pg_fault_kind::overdue);
    EXPECT_TRUE(session_->fault().outcome_unknown);
    EXPECT_EQ(session_->socket(), -1);
}

TEST_F(PgSession, NoServerMeansUnreachable) {
    pg_session session;
    const temporary_folder empty;
    const pg_keywords keywords(login(), {empty.path().string(), {}, 5432});
    EXPECT_EQ(session.start(pg_environment::clear(), keywords), pg_step::done);
    EXPECT_EQ(session.fault().kind, pg_fault_kind::unreachable);
}

} // namespace
} // namespace kallglot::test
