#include "store/postgresql/pg_opening.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

// How much a fault says about why there is no connection. An operator can do most about a server that answers.
[[nodiscard]] int weight_of(pg_fault_kind kind) noexcept {
    switch (kind) {
        // A lack of descriptors is local, so the other addresses say nothing.
        case pg_fault_kind::no_descriptors:
            return 5;
        case pg_fault_kind::login_refused:
        case pg_fault_kind::untrusted:
            return 4;
        // With a primary that is starting, a standby beside it is as it should be.
        case pg_fault_kind::unavailable:
            return 3;
        case pg_fault_kind::unsuitable:
        case pg_fault_kind::malformed:
        case pg_fault_kind::too_large:
        case pg_fault_kind::rejected:
        case pg_fault_kind::lost:
            return 2;
        case pg_fault_kind::unreachable:
        case pg_fault_kind::overdue:
        case pg_fault_kind::name_not_resolved:
            return 1;
        // Cancelled by the winner or by the end: says nothing.
        case pg_fault_kind::cancelled:
        case pg_fault_kind::none:
            break;
    }
    return 0;
}

} // namespace

pg_opening::pg_opening(loop_executor executor,
                       worker& blocking,
                       address_lookup& names,
                       pg_environment proof,
                       pg_opening_limits limits,
                       task_group::failure_handler on_bug)
    : executor_(executor),
      worker_(blocking),
      names_(names),
      environment_(proof),
      limits_(limits),
      wake_(executor),
      children_(executor, std::move(on_bug)) {}

task<pg_fault> pg_opening::open(std::vector<pg_host> hosts, std::shared_ptr<const pg_login> login) {
    deadline_ = timer_now() + limits_.all;
    // All lookups at once: one name that the DNS does not answer must not hold up the others.
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        ++lookups_;
        children_.spawn("database address lookup", look_up(i, hosts[i]));
    }
    // From here on a cancellation is only looked for: the attempts must be joined before this object may be destroyed.
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await race(std::move(login));
    children_.close();
    children_.cancel(asio::cancellation_type::terminal);
    // Each ends at its next turn.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await children_.join();
    if (winner_) {
        co_return pg_fault();
    }
    // Nothing answered at all: that is the deadline's fault, or the caller's.
    if (!fault_) {
        fault_.kind = pg_fault_kind::overdue;
    }
    co_return fault_;
}

// Starts attempts until one wins, all have failed, the deadline passes, or the caller cancels.
task<> pg_opening::race(std::shared_ptr<const pg_login> login) {
    while (!winner_ && !nothing_left() && timer_now() < deadline_) {
        if (start_next_ && !waiting_.empty() && tried_ < max_addresses) {
            start_next_ = false;
            ++tried_;
            ++attempts_;
            candidate next = std::move(waiting_.front());
            waiting_.pop_front();
            children_.spawn("database connection", attempt(std::move(next), login));
            continue;
        }
        // The end of an attempt or of a lookup cancels the timer; otherwise the next address starts after the head start.
        const bool more = !waiting_.empty() && tried_ < max_addresses;
        wake_.expires_at(more ? std::min(timer_now() + limits_.head_start, deadline_) : deadline_);
        const auto waited = co_await wake_.async_wait(as_tuple);
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            fault_ = {.kind = pg_fault_kind::cancelled};
            co_return;
        }
        if (!std::get<0>(waited)) {
            start_next_ = true;
        }
    }
}

task<> pg_opening::look_up(std::size_t index, pg_host host) {
    const bool is_folder = host.name.starts_with('/');
    if (is_folder) {
        waiting_.push_back({index, {host.name, {}, host.port}});
    } else {
        const auto found = co_await names_.addresses_of(host.name);
        if (found) {
            for (const std::string& each : *found) {
                waiting_.push_back({index, {host.name, each, host.port}});
            }
        } else if (found.error() != errc::cancelled) {
            note(index, {.kind = pg_fault_kind::name_not_resolved});
        }
    }
    --lookups_;
    wake_.cancel();
}

task<> pg_opening::attempt(candidate to, std::shared_ptr<const pg_login> login) {
    auto connection = std::make_unique<pg_connection>(executor_, worker_, environment_);
    const steady_time limit = std::min(timer_now() + limits_.each, deadline_);
    const pg_fault fault =
        co_await connection->open(std::move(to.address), std::move(login), limit);
    --attempts_;
    if (fault) {
        note(to.host, fault);
        start_next_ = true;
    } else if (!winner_) {
        winner_ = std::move(connection);
        host_ = to.host;
    }
    wake_.cancel();
}

void pg_opening::note(std::size_t host, const pg_fault& fault) noexcept {
    // Of equals the first: it is the server that the operator named first.
    if (!winner_ && weight_of(fault.kind) > weight_of(fault_.kind)) {
        fault_ = fault;
        host_ = host;
    }
}

bool pg_opening::nothing_left() const noexcept {
    return lookups_ == 0 && attempts_ == 0 && (waiting_.empty() || tried_ == max_addresses);
}

} // namespace kallglot
