#include "store/postgresql/pg_connection.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace kallglot {

namespace {

using descriptor = asio::posix::basic_stream_descriptor<loop_executor>;

// libpq's socket, lent to the loop for one wait. libpq may close it at any call, and then another part of the daemon may get
// the same number: a registration that outlives the wait would be one of a foreign socket.
class lent_socket {
public:
    explicit lent_socket(const loop_executor& executor) : descriptor_(executor) {}

    // It is libpq that closes the socket.
    ~lent_socket() { release(); }

    lent_socket(const lent_socket&) = delete;
    lent_socket& operator=(const lent_socket&) = delete;

    [[nodiscard]] error_code lend(int socket) {
        error_code error;
        descriptor_.assign(socket, error);
        return error;
    }

    [[nodiscard]] auto async_wait(descriptor::wait_type what) {
        return descriptor_.async_wait(what, asio::deferred);
    }

private:
    void release() noexcept {
        if (descriptor_.is_open()) {
            static_cast<void>(descriptor_.release());
        }
    }

    descriptor descriptor_;
};

// Closes the session unless the coroutine that uses it ends in order: whatever destroys a coroutine half way, no statement may follow
// the answer of another one.
class closing_guard {
public:
    explicit closing_guard(pg_session& session) noexcept : session_(&session) {}

    ~closing_guard() {
        if (session_ != nullptr) {
            session_->end(pg_fault_kind::cancelled);
        }
    }

    closing_guard(const closing_guard&) = delete;
    closing_guard& operator=(const closing_guard&) = delete;

    void dismiss() noexcept { session_ = nullptr; }

private:
    pg_session* session_;
};

[[nodiscard]] pg_fault_kind kind_of(const error_code& error) noexcept {
    if (error == errc::cancelled) {
        return pg_fault_kind::cancelled;
    }
    return error == errc::no_descriptors ? pg_fault_kind::no_descriptors : pg_fault_kind::overdue;
}

} // namespace

pg_connection::pg_connection(loop_executor executor, worker& blocking, pg_environment proof)
    : executor_(std::move(executor)),
      worker_(blocking),
      environment_(proof),
      timer_(executor_) {}

pg_connection::~pg_connection() = default;

task<pg_fault> pg_connection::open(pg_address server,
                                   std::shared_ptr<const pg_login> login,
                                   steady_time deadline) {
    session_ = std::make_shared<pg_session>();
    std::function<result<pg_step>()> work = [session = session_,
                                             login = std::move(login),
                                             server = std::move(server),
                                             this_proof = environment_] {
        return session->start(this_proof, pg_keywords(*login, server));
    };
    for (;;) {
        const result<pg_step> step = co_await worker_.run<pg_step>(std::move(work));
        // Cancelled: the worker may be in the middle of a step, and it is the last owner of the session then.
        if (!step) {
            session_.reset();
            co_return pg_fault{.kind = pg_fault_kind::cancelled};
        }
        if (*step == pg_step::done) {
            break;
        }
        const error_code ended = co_await wait(*step, deadline);
        if (ended || timer_now() >= deadline) {
            session_->end(kind_of(ended));
            break;
        }
        work = [session = session_] {
            return session->go_on();
        };
    }
    const pg_fault fault = session_->fault();
    if (fault) {
        session_.reset();
        co_return fault;
    }
    // Not earlier: the worker's steps must not call into this object.
    session_->on_notification = [this](std::string_view payload) {
        ++notifications_;
        if (receiver_) {
            receiver_(payload);
        }
    };
    co_return fault;
}

task<pg_outcome> pg_connection::run(pg_batch batch, steady_time deadline) {
    if (!is_open()) {
        pg_outcome outcome;
        outcome.fault.kind = pg_fault_kind::lost;
        co_return outcome;
    }
    closing_guard guard(*session_);
    const pg_step first = session_->send(std::move(batch));
    const error_code ended = co_await drive(first, deadline);
    if (ended) {
        session_->end(kind_of(ended));
    }
    guard.dismiss();
    co_return session_->take_outcome();
}

// Until the machine is done, or the deadline passes, or the coroutine is cancelled.
task<error_code> pg_connection::drive(pg_step step, steady_time deadline) {
    while (step != pg_step::done) {
        const error_code ended = co_await wait(step, deadline);
        if (ended) {
            co_return ended;
        }
        // First the answer that may have arrived, then the deadline. By the clock and not by the timer: a server that never stops
        // sending keeps the socket ready.
        step = session_->go_on();
        if (step != pg_step::done && timer_now() >= deadline) {
            co_return errc::request_timeout;
        }
    }
    co_return error_code();
}

task<pg_fault> pg_connection::listen(steady_time deadline) {
    if (!is_open()) {
        co_return pg_fault{.kind = pg_fault_kind::lost};
    }
    const std::size_t before = notifications_;
    listening_ = true;
    pg_step step = session_->go_on();
    while (step != pg_step::done && listening_ && notifications_ == before
           && timer_now() < deadline) {
        const error_code ended = co_await wait(step, deadline);
        if (ended) {
            listening_ = false;
            co_return pg_fault{.kind = kind_of(ended)};
        }
        step = session_->go_on();
    }
    listening_ = false;
    co_return session_->is_open() ? pg_fault() : session_->fault();
}

void pg_connection::stop_listening() noexcept {
    if (std::exchange(listening_, false)) {
        timer_.cancel();
    }
}

void pg_connection::on_notification(std::function<void(std::string_view payload)> receiver) {
    receiver_ = std::move(receiver);
}

void pg_connection::close() noexcept {
    session_.reset();
}

bool pg_connection::is_open() const noexcept {
    return session_ && session_->is_open();
}

// One wait for the socket, as the machine asks for. Without error: go on, or the deadline has passed.
task<error_code> pg_connection::wait(pg_step step, steady_time deadline) {
    lent_socket socket(executor_);
    if (socket.lend(session_->socket())) {
        co_return errc::no_descriptors;
    }
    timer_.expires_at(deadline);
    // A group ends when all of its operations have, so none of them outlives the socket.
    if (step == pg_step::wait_either) {
        auto first =
            asio::experimental::make_parallel_group(socket.async_wait(descriptor::wait_read),
                                                    socket.async_wait(descriptor::wait_write),
                                                    timer_.async_wait(asio::deferred));
        co_await first.async_wait(asio::experimental::wait_for_one(), as_tuple);
    } else {
        const auto what =
            step == pg_step::wait_read ? descriptor::wait_read : descriptor::wait_write;
        auto first = asio::experimental::make_parallel_group(socket.async_wait(what),
                                                             timer_.async_wait(asio::deferred));
        co_await first.async_wait(asio::experimental::wait_for_one(), as_tuple);
    }
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        co_return errc::cancelled;
    }
    co_return error_code();
}

} // namespace kallglot
