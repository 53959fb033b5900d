#include "store/postgresql/pg_session.hpp"

#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace kallglot {

namespace {

constexpr int oldest_server = 130000; // 13

// The field of a notice or an error; empty if it has none.
std::string_view field(const PGresult* result, int name) noexcept {
    const char* const text = PQresultErrorField(result, name);
    return text != nullptr ? text : std::string_view();
}

// The severities that hide the warning of an unconfirmed commit, if the role has them as client_min_messages.
bool hides_warnings(std::string_view level) noexcept {
    return level == "error" || level == "fatal" || level == "panic";
}

// What the kernel has for a socket; 0 if there is none.
std::size_t unread_bytes(int socket) noexcept {
    int size = 0;
    return socket >= 0 && ::ioctl(socket, FIONREAD, &size) == 0 ? static_cast<std::size_t>(size)
                                                                : 0;
}

pg_phase phase_of(ConnStatusType status) noexcept {
    switch (status) {
        case CONNECTION_STARTED:
        case CONNECTION_NEEDED:
        case CONNECTION_BAD:
            return pg_phase::connecting;
        // Connected, and the request for TLS is sent or answered.
        case CONNECTION_MADE:
        case CONNECTION_SSL_STARTUP:
            return pg_phase::securing;
        default:
            return pg_phase::logging_in;
    }
}

} // namespace

// Does not wait: the connection is non-blocking from its first moment, so what the kernel does not take of the farewell
// is dropped.
void pg_session::finish::operator()(PGconn* connection) const noexcept {
    PQfinish(connection);
}

void pg_session::clear::operator()(PGresult* result) const noexcept {
    PQclear(result);
}

pg_session::~pg_session() = default;

int pg_session::socket() const noexcept {
    return connection_ ? PQsocket(connection_.get()) : -1;
}

pg_outcome pg_session::take_outcome() noexcept {
    return std::exchange(outcome_, {});
}

pg_step pg_session::start(const pg_environment&, const pg_keywords& keywords) {
    assert(state_ == state::closed);
    outcome_ = {};
    connection_.reset(PQconnectStartParams(keywords.names(), keywords.values(), 0));
    if (!connection_) {
        return fail({.kind = pg_fault_kind::no_descriptors});
    }
    PGconn* const connection = connection_.get();
    // Before anything is received: libpq would print notices to stderr.
    PQsetNoticeReceiver(connection, on_notice, this);
    // An error of the server becomes its code alone. Its text may quote values, and the code has no other way out of a login.
    PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE);
    if (PQstatus(connection) == CONNECTION_BAD) {
        return fail(fault_of_opening(pg_phase::connecting, PQerrorMessage(connection)));
    }
    // Now and not after the login, since PQfinish is to be safe at any time.
    if (PQsetnonblocking(connection, 1) != 0) {
        return fail({.kind = pg_fault_kind::no_descriptors});
    }
    state_ = state::opening;
    // PQconnectPoll behaves as if it had said so; called earlier it waits inside.
    return pg_step::wait_write;
}

pg_step pg_session::go_on() {
    switch (state_) {
        case state::closed:
            return pg_step::done;
        case state::opening:
            return go_on_opening();
        case state::checking:
        case state::running:
            return exchange();
        case state::idle:
            return idle();
    }
    return pg_step::done;
}

pg_step pg_session::go_on_opening() {
    PGconn* const connection = connection_.get();
    std::size_t waiting = 0;
    for (;;) {
        const pg_phase phase = phase_of(PQstatus(connection));
        switch (PQconnectPoll(connection)) {
            case PGRES_POLLING_OK:
                return check();
            case PGRES_POLLING_WRITING:
                return pg_step::wait_write;
            case PGRES_POLLING_READING:
                break;
            default:
                return fail(fault_of_opening(phase, PQerrorMessage(connection)));
        }
        // The socket stays silent if the rest of a TLS record has been decrypted already. It must shrink each time: what
        // libpq cannot use must not keep this turn.
        const std::size_t left = decrypted_bytes();
        if (left == 0 || left == waiting) {
            return pg_step::wait_read;
        }
        waiting = left;
    }
}

// Logged in. Whether the server is of use takes one more question: behind a switchover this may be the standby.
pg_step pg_session::check() {
    PGconn* const connection = connection_.get();
    if (PQserverVersion(connection) < oldest_server) {
        return lose(pg_fault_kind::unsuitable, "PostgreSQL older than 13");
    }
    if (PQenterPipelineMode(connection) != 1) {
        return lose(pg_fault_kind::malformed);
    }
    pg_batch question;
    question.add(
        "SELECT NOT pg_catalog.pg_is_in_recovery(), "
        "pg_catalog.current_setting('transaction_read_only'), "
        "pg_catalog.current_setting('client_min_messages')",
        {},
        [this](const pg_row& row) {
            primary_ = row.boolean(0).value_or(false) && row.text(1) == "off";
            shows_warnings_ = !hides_warnings(row.text(2).value_or("error"));
        });
    return submit(std::move(question), state::checking);
}

pg_step pg_session::conclude_check() {
    if (!primary_) {
        return lose(pg_fault_kind::unsuitable, "a standby, or read-only");
    }
    // A commit that a standby did not confirm succeeds with a warning, and with nothing else.
    if (!shows_warnings_) {
        return lose(pg_fault_kind::unsuitable, "client_min_messages of the role hides warnings");
    }
    state_ = state::idle;
    outcome_ = {};
    return pg_step::done;
}

pg_step pg_session::send(pg_batch batch) {
    assert(is_idle() && batch.is_one_message() && !batch.statements().empty());
    outcome_ = {};
    // A server that stopped while the connection was idle has said so. Then nothing is sent, and the outcome is known.
    if (idle() == pg_step::done) {
        return pg_step::done;
    }
    return submit(std::move(batch), state::running);
}

pg_step pg_session::submit(pg_batch batch, state next) {
    batch_ = std::move(batch);
    current_ = 0;
    synced_ = false;
    bytes_without_row_ = 0;
    outcome_ = {};
    state_ = next;
    PGconn* const connection = connection_.get();
    for (const pg_statement& each : batch_.statements()) {
        const pg_parameters& parameters = each.parameters;
        const std::vector<const char*> values = parameters.values();
        const std::vector<int> lengths = parameters.lengths();
        const std::vector<int> formats(values.size(), 1);
        // The last 1: results in the binary format too.
        if (PQsendQueryParams(connection,
                              each.sql.text(),
                              parameters.count(),
                              parameters.types(),
                              values.data(),
                              lengths.data(),
                              formats.data(),
                              1)
            != 1) {
            return lose(pg_fault_kind::lost);
        }
    }
    if (PQpipelineSync(connection) != 1) {
        return lose(pg_fault_kind::lost);
    }
    // Row by row, so that libpq never collects a whole answer. Again for each statement, when its turn comes.
    PQsetSingleRowMode(connection);
    return exchange();
}

// One round of sending and receiving, for everything that is in the kernel's buffers now.
pg_step pg_session::exchange() {
    for (;;) {
        const int unsent = PQflush(connection_.get());
        // After an error of writing the reason may still be there to be read, for example "shut down by an administrator".
        const bool received = receive();
        const bool finished = take_results();
        if (!is_open()) {
            return pg_step::done;
        }
        if (finished) {
            return finish_batch();
        }
        if (!received || unsent < 0 || PQstatus(connection_.get()) == CONNECTION_BAD) {
            return lose(pg_fault_kind::lost);
        }
        if (bytes_without_row_ > max_bytes_without_row) {
            return lose(pg_fault_kind::too_large);
        }
        // A TLS record longer than libpq's buffer: the rest is in OpenSSL, and the socket stays silent.
        if (decrypted_bytes() == 0) {
            return unsent == 1 ? pg_step::wait_either : pg_step::wait_read;
        }
    }
}

// Reads what is there. False: the connection has ended.
bool pg_session::receive() {
    PGconn* const connection = connection_.get();
    // About what is read; of TLS the encrypted form, which is little more. libpq itself has no limit: the header of one row may
    // announce a gigabyte.
    const std::size_t before = unread_bytes(PQsocket(connection));
    const bool good = PQconsumeInput(connection) == 1;
    const std::size_t after = unread_bytes(PQsocket(connection));
    bytes_without_row_ += before - std::min(before, after);
    take_notifications();
    return good;
}

// Takes the results that are complete. True: the last one of the batch was among them.
bool pg_session::take_results() {
    PGconn* const connection = connection_.get();
    // PQgetResult waits for the network unless PQisBusy denies it.
    while (!synced_ && PQisBusy(connection) == 0) {
        const result_ptr result(PQgetResult(connection));
        if (result) {
            bytes_without_row_ = 0;
            take(result.get());
        } else if (current_ < batch_.statements().size()) {
            // The end of one statement's results.
            ++current_;
            PQsetSingleRowMode(connection);
        } else {
            // More ends than statements: without this a server could keep the loop here.
            lose(pg_fault_kind::malformed);
        }
        // Of a dead connection PQgetResult returns errors for ever.
        if (!is_open() || PQstatus(connection) == CONNECTION_BAD) {
            return false;
        }
    }
    return synced_;
}

void pg_session::take(PGresult* result) {
    switch (PQresultStatus(result)) {
        case PGRES_SINGLE_TUPLE:
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
            take_rows(result);
            break;
        case PGRES_PIPELINE_SYNC:
            synced_ = true;
            break;
        // A statement behind the one that failed.
        case PGRES_PIPELINE_ABORTED:
            break;
        case PGRES_FATAL_ERROR:
        case PGRES_BAD_RESPONSE:
            take_error(result);
            break;
        // COPY and empty statements: none of ours causes them.
        default:
            lose(pg_fault_kind::malformed);
            break;
    }
}

void pg_session::take_rows(PGresult* result) {
    if (current_ >= batch_.statements().size()) {
        lose(pg_fault_kind::malformed);
        return;
    }
    const pg_statement& statement = batch_.statements()[current_];
    for (int row = 0; statement.on_row && row < PQntuples(result); ++row) {
        statement.on_row(pg_row(result, row));
    }
    // Each row is a result of its own; the last result has the number, as text: "INSERT 0 17".
    if (PQresultStatus(result) != PGRES_SINGLE_TUPLE) {
        const std::string_view digits = PQcmdTuples(result);
        std::uint64_t count = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), count);
        outcome_.row_counts.push_back(count);
    }
}

// The first error counts; those behind it follow from it.
void pg_session::take_error(const PGresult* result) {
    if (outcome_.fault) {
        return;
    }
    const pg_sqlstate code(field(result, PG_DIAG_SQLSTATE));
    // Errors of libpq itself have no code: the connection broke, or the bytes made no sense.
    if (code.text().empty()) {
        lose(PQstatus(connection_.get()) == CONNECTION_BAD ? pg_fault_kind::lost
                                                           : pg_fault_kind::malformed);
        return;
    }
    // FATAL ends the connection, perhaps in the middle of a commit. After ERROR nothing of the transaction has happened.
    const std::string_view severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const bool fatal = severity != "ERROR";
    outcome_.fault = {.kind = fatal ? pg_fault_kind::lost : pg_fault_kind::rejected,
                      .sqlstate = code,
                      .outcome_unknown = fatal};
    if (fatal) {
        lose(pg_fault_kind::lost);
    }
}

// The whole batch is answered.
pg_step pg_session::finish_batch() {
    if (state_ == state::checking) {
        const pg_sqlstate code = outcome_.fault.sqlstate;
        return outcome_.fault ? fail({.kind = pg_fault_kind::unsuitable, .sqlstate = code})
                              : conclude_check();
    }
    // A server or a pooler that lost count says "ready" too early. That is no success of statements without an answer.
    if (outcome_.row_counts.size() != batch_.statements().size() && !outcome_.fault) {
        return lose(pg_fault_kind::malformed, "ready before the batch was answered");
    }
    // A statement opened a transaction and did not end it: it would hold its locks as long as the connection lives.
    if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE && !outcome_.fault) {
        return lose(pg_fault_kind::malformed, "the batch left a transaction open");
    }
    // Poolers lose count after an error in a pipeline; and of a server that became read-only nothing can be had.
    const pg_fault& fault = outcome_.fault;
    if (fault && (batch_.statements().size() > 1 || ends_connection(fault.sqlstate))) {
        return fail(fault);
    }
    batch_ = {};
    state_ = state::idle;
    return pg_step::done;
}

// Nothing was asked: notifications, parameters and notices may arrive, and the end.
pg_step pg_session::idle() {
    do {
        const bool good = receive();
        if (!is_open()) {
            return pg_step::done;
        }
        if (!farewell_.text().empty()) {
            return fail({.kind = pg_fault_kind::lost, .sqlstate = farewell_});
        }
        if (!good || PQstatus(connection_.get()) == CONNECTION_BAD) {
            return fail({.kind = pg_fault_kind::lost});
        }
        if (bytes_without_row_ > max_bytes_without_row) {
            return fail({.kind = pg_fault_kind::too_large});
        }
    } while (decrypted_bytes() != 0);
    return pg_step::wait_read;
}

void pg_session::take_notifications() {
    PGconn* const connection = connection_.get();
    // Also parses what has arrived while the connection is idle.
    while (PGnotify* const notification = PQnotifies(connection)) {
        bytes_without_row_ = 0;
        if (on_notification) {
            on_notification(notification->extra);
        }
        PQfreemem(notification);
    }
}

// How much of a TLS record is decrypted and not read; 0 without TLS.
std::size_t pg_session::decrypted_bytes() const noexcept {
    auto* const tls = static_cast<SSL*>(PQsslStruct(connection_.get(), "OpenSSL"));
    return tls != nullptr ? static_cast<std::size_t>(SSL_pending(tls)) : 0;
}

void pg_session::on_notice(void* self, const PGresult* notice) {
    static_cast<pg_session*>(self)->note(notice);
}

// Of all notices two matter, and neither is recognised by its text alone, which is in the language of the server.
void pg_session::note(const PGresult* notice) noexcept {
    const std::string_view place = field(notice, PG_DIAG_SOURCE_FILE);
    const std::string_view text = field(notice, PG_DIAG_MESSAGE_PRIMARY);
    // A commit that succeeded here and was not confirmed by a standby: syncrep.c, with any of its three reasons.
    if (place == "syncrep.c" || text.find("synchronous replication") != std::string_view::npos) {
        outcome_.confirmed = false;
    }
    // While nothing was asked, libpq passes on the server's last words as a notice.
    const std::string_view severity = field(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (state_ == state::idle && (severity == "FATAL" || severity == "PANIC")) {
        farewell_ = pg_sqlstate(field(notice, PG_DIAG_SQLSTATE));
        if (farewell_.text().empty()) {
            farewell_ = pg_sqlstate("57P01");
        }
    }
}

void pg_session::end(pg_fault_kind kind) noexcept {
    lose(kind);
}

// The connection is of no use any more. What was asked may have been done.
pg_step pg_session::lose(pg_fault_kind kind, std::string_view detail) noexcept {
    // An error of the server that came first says more.
    pg_fault fault = outcome_.fault;
    if (!fault) {
        fault = {.kind = kind, .sqlstate = {}, .detail = detail};
    }
    if (state_ == state::running && fault.kind != pg_fault_kind::rejected) {
        fault.outcome_unknown = true;
    }
    return fail(fault);
}

pg_step pg_session::fail(const pg_fault& fault) noexcept {
    outcome_.fault = fault;
    state_ = state::closed;
    farewell_ = {};
    batch_ = {};
    // libpq calls back during PQfinish for nothing; still, no notice may reach a session that is being closed.
    connection_.reset();
    return pg_step::done;
}

} // namespace kallglot
