/// A connection to PostgreSQL for coroutines: a pg_session, and the waits that it asks for.
///
/// All decisions are in pg_session. What is here is one wait with a deadline, and three loops around it.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_CONNECTION_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_CONNECTION_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "store/postgresql/pg_session.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace kallglot {

/// One coroutine at a time. Loop only. Lifetime: the worker outlives it; it outlives its coroutines.
class pg_connection {
public:
    /// Steps of an opening run on `blocking`: they read the files of the login, hash the password thousands of times, and ask the DNS
    /// if the server wants Kerberos. A step that is stuck there holds up this connection only if `blocking` is a worker_set.
    pg_connection(loop_executor executor, worker& blocking, pg_environment proof);
    ~pg_connection();
    pg_connection(const pg_connection&) = delete;
    pg_connection& operator=(const pg_connection&) = delete;

    /// Connects and logs in. Afterwards the server is a primary that can be written to.
    ///
    /// Errors: all kinds but rejected. The connection is closed.
    /// Cancel: terminal, at once; nothing stays open. A step that is stuck on the worker keeps its descriptor until it returns; only
    ///         such a step makes open() last longer than `deadline`.
    [[nodiscard]] task<pg_fault> open(pg_address server,
                                      std::shared_ptr<const pg_login> login,
                                      steady_time deadline);

    /// Sends one batch, which is one transaction, and waits for its end. Rows go to the functions of the batch meanwhile.
    ///
    /// Errors: rejected; lost, overdue, malformed, too_large; cancelled. If `outcome_unknown` is set the batch may have been
    ///         committed, or may still be. All but `rejected` for a batch of one statement close the connection.
    /// Cancel: terminal, at once; the connection is closed, and the server may complete what it has received.
    [[nodiscard]] task<pg_outcome> run(pg_batch batch, steady_time deadline);

    /// Waits for a notification, until `deadline` or stop_listening(); neither is a fault.
    ///
    /// Errors: lost, malformed, too_large.
    /// Cancel: terminal, at once; the connection stays open.
    [[nodiscard]] task<pg_fault> listen(steady_time deadline);

    /// Ends listen() in a later turn of the loop, for example because there is a batch to send.
    void stop_listening() noexcept;

    /// Receives the payload of each notification, during run() and listen().
    void on_notification(std::function<void(std::string_view payload)> receiver);

    /// Never waits. What was under way has to be cancelled first.
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;

private:
    task<error_code> wait(pg_step step, steady_time deadline);
    task<error_code> drive(pg_step step, steady_time deadline);

    loop_executor executor_;
    worker& worker_;
    pg_environment environment_;
    steady_timer timer_;
    std::shared_ptr<pg_session>
        session_; ///< shared with a step on the worker, which may end after an open() that was cancelled
    std::function<void(std::string_view)> receiver_;
    std::size_t notifications_ = 0;
    bool listening_ = false;
};

} // namespace kallglot

#endif
