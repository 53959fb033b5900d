#include "net/client/connector.hpp"

#include <utility>

namespace kallglot {

connector::connector(loop_executor executor, milliseconds head_start)
    : executor_(std::move(executor)),
      head_start_(head_start),
      wake_(executor_) {}

task<error_code> connector::connect(std::vector<tcp_endpoint> addresses) {
    std::size_t next = 0;
    while (!winner_ && !cancelled_) {
        // After a failure the next attempt starts at once, otherwise after the head start of the attempt before it.
        if (start_next_ && next < addresses.size()) {
            start_next_ = false;
            start(addresses[next++]);
            continue;
        }
        // Every address has failed.
        if (pending_ == 0) {
            break;
        }
        // Without a further address only the outcome of an attempt, or cancel(), ends the wait.
        // Racing only helps while there is another address to race with.
        const bool more = next < addresses.size();
        wake_.expires_at(more ? timer_now() + head_start_ : steady_timer::time_point::max());
        const auto waited = co_await wake_.async_wait(as_tuple);
        // The timer expired, so the head start is over; a cancelled wait means that an attempt ended.
        if (!std::get<0>(waited)) {
            start_next_ = true;
        }
    }

    // The completion handlers of the attempts refer to this object, so all of them must have run before this returns.
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
        if (winner_ != i) {
            error_code ignored;
            attempts_[i].socket.close(ignored);
        }
    }
    // Closing a socket ends its attempt with an error, so this wait is short.
    while (pending_ != 0) {
        wake_.expires_at(steady_timer::time_point::max());
        co_await wake_.async_wait(as_tuple);
    }
    if (winner_) {
        co_return error_code();
    }
    co_return cancelled_ ? errc::cancelled : common_cause_.value_or(errc::connect_failed);
}

// Starts an attempt. An error of the system before the connect counts as a failed attempt.
void connector::start(const tcp_endpoint& address) {
    // The handler gets an index: only connect() and take() touch the attempts themselves.
    const std::size_t index = attempts_.size();
    attempt& made = attempts_.emplace_back(executor_, address);
    error_code error;
    made.socket.open(address.protocol(), error);
    if (!error) {
        made.socket.non_blocking(true, error);
    }
    if (error) {
        failed(error);
        return;
    }
    ++pending_;
    made.socket.async_connect(address,
                              [this, index](const error_code& outcome) { ended(index, outcome); });
}

// The completion of an attempt. It only notes the outcome and wakes connect(), which decides.
void connector::ended(std::size_t index, const error_code& error) noexcept {
    // A second connection that comes about later loses: connect() closes it.
    // Also for attempts that connect() has closed: it waits until none is left.
    --pending_;
    if (error) {
        failed(error);
    } else if (!winner_) {
        winner_ = index;
    }
    wake_.cancel();
}

void connector::failed(const error_code& error) noexcept {
    // Closing the losers fails them too; that says nothing about their addresses.
    if (winner_ || cancelled_) {
        return;
    }
    last_error_ = error;
    const errc cause = translate_connect_error(error);
    // A lack of descriptors outranks other causes: it is local, and the pool reacts to it.
    if (!common_cause_ || cause == errc::no_descriptors) {
        common_cause_ = cause;
    } else if (*common_cause_ != cause && *common_cause_ != errc::no_descriptors) {
        common_cause_ = errc::connect_failed;
    }
    start_next_ = true;
}

void connector::cancel() noexcept {
    cancelled_ = true;
    wake_.cancel();
}

tcp_socket connector::take() {
    attempt& won = attempts_[winner_.value()];
    tcp_socket socket = armed_for_reading(won.socket, won.address);
    error_code ignored;
    // A request is one small write, so waiting to fill a packet would only delay it.
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    return socket;
}

bool connector::connected() const noexcept {
    return winner_.has_value();
}

tcp_endpoint connector::peer() const {
    return attempts_[winner_.value()].address;
}

// The pool tries these addresses last for a while.
std::vector<tcp_endpoint> connector::losers() const {
    std::vector<tcp_endpoint> result;
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
        // An attempt that started after the winner had less time, so it has not failed.
        if (!winner_ || i < *winner_) {
            result.push_back(attempts_[i].address);
        }
    }
    return result;
}

} // namespace kallglot
