/// One connection to PostgreSQL as a state machine over libpq: it says what to wait for, and never waits.
///
/// libpq's functions that do not block are safe only in a certain order, under conditions that are spread over its manual. They
/// are called here and nowhere else; each rule is at its call. The machine knows no loop, no timer and no thread:
///
///     pg_step step = session.start(keywords);      // or send(batch)
///     while (step != pg_step::done) {
///         ... wait until session.socket() can be read or written, as the step says ...
///         step = session.go_on();
///     }
///     ... session.fault(), session.outcome() ...
///
/// Deliberately not used: PQreset (resolves names), PQcancel (blocks, and hides that a commit was not replicated), COPY,
/// prepared statements, more than one host in a connection.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_SESSION_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_SESSION_HPP

#include "store/postgresql/pg_batch.hpp"
#include "store/postgresql/pg_environment.hpp"
#include "store/postgresql/pg_fault.hpp"
#include "store/postgresql/pg_keywords.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

struct pg_conn;   // libpq's PGconn
struct pg_result; // libpq's PGresult

namespace kallglot {

/// What the machine needs before go_on().
enum class pg_step : std::uint8_t {
    wait_read,   ///< the socket can be read
    wait_write,  ///< the socket can be written; reading earlier would make libpq wait inside
    wait_either, ///< either: the server may read nothing until its own output is read
    done,        ///< nothing: it succeeded, or there is a fault
};

/// What became of a batch.
struct pg_outcome {
    pg_fault fault;
    /// False: the transaction is committed on this server, but a standby that it waits for has not confirmed it. Nothing may
    /// be acknowledged.
    bool confirmed = true;
    /// Rows that each statement returned or changed, for those that were completed.
    std::vector<std::uint64_t> row_counts;
};

/// One thread at a time. Never waits; start() and go_on() read files and hash a password while a connection is being
/// opened. A fault closes the connection; the exception is `rejected` for a batch of one statement.
class pg_session {
public:
    /// What libpq may receive without a row coming of it.
    static constexpr std::size_t max_bytes_without_row = std::size_t{16} * 1024 * 1024;

    pg_session() = default;
    ~pg_session();
    pg_session(const pg_session&) = delete;
    pg_session& operator=(const pg_session&) = delete;

    /// Starts to connect. Done without fault: logged in to a primary that can be written to.
    [[nodiscard]] pg_step start(const pg_environment& proof, const pg_keywords& keywords);

    /// Sends a batch. Precondition: is_idle(), and the batch is_one_message().
    [[nodiscard]] pg_step send(pg_batch batch);

    /// Continues after the wait. While is_idle() it receives notifications, and notices the end of the connection.
    [[nodiscard]] pg_step go_on();

    /// Ends what is under way with a fault of the caller: overdue, cancelled, no_descriptors. Closes the connection.
    void end(pg_fault_kind kind) noexcept;

    /// Changes with every step, and -1 is possible. libpq owns it.
    [[nodiscard]] int socket() const noexcept;

    [[nodiscard]] bool is_idle() const noexcept { return state_ == state::idle; }

    [[nodiscard]] bool is_open() const noexcept { return connection_ != nullptr; }

    [[nodiscard]] const pg_fault& fault() const noexcept { return outcome_.fault; }

    /// Of the last batch.
    [[nodiscard]] pg_outcome take_outcome() noexcept;

    /// Called during go_on() for each notification: its payload. Set it before send() of a LISTEN.
    std::function<void(std::string_view payload)> on_notification;

private:
    enum class state : std::uint8_t {
        closed,
        opening,  ///< libpq connects and logs in
        checking, ///< logged in; the answer says whether the server is of use
        idle,     ///< nothing was sent, notifications may arrive
        running,  ///< a batch was sent
    };

    struct finish {
        void operator()(pg_conn* connection) const noexcept;
    };

    struct clear {
        void operator()(pg_result* result) const noexcept;
    };

    using result_ptr = std::unique_ptr<pg_result, clear>;

    pg_step go_on_opening();
    pg_step check();
    pg_step conclude_check();
    pg_step submit(pg_batch batch, state next);
    pg_step exchange();
    pg_step idle();
    [[nodiscard]] bool receive();
    [[nodiscard]] bool take_results();
    void take(pg_result* result);
    void take_rows(pg_result* result);
    void take_error(const pg_result* result);
    void take_notifications();
    pg_step finish_batch();
    pg_step fail(const pg_fault& fault) noexcept;
    pg_step lose(pg_fault_kind kind, std::string_view detail = {}) noexcept;
    [[nodiscard]] std::size_t decrypted_bytes() const noexcept;
    static void on_notice(void* self, const pg_result* notice);
    void note(const pg_result* notice) noexcept;

    std::unique_ptr<pg_conn, finish> connection_;
    state state_ = state::closed;
    pg_batch batch_;
    std::size_t current_ = 0; ///< the statement whose results arrive
    pg_outcome outcome_;
    bool synced_ = false;               ///< the server has answered the whole batch
    std::size_t bytes_without_row_ = 0; ///< received since the last row, result or notification
    pg_sqlstate farewell_;              ///< why the server ends an idle connection
    bool primary_ = false;              ///< what the check found
    bool shows_warnings_ = false;
};

} // namespace kallglot

#endif
