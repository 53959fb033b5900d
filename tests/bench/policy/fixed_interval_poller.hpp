/// The usual polling policy, for comparison: every session at one interval, in turn, within the same budget.
///
/// Budget, health and tracker are the real ones, so that the policies differ only in the order of polls.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_FIXED_INTERVAL_POLLER_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_FIXED_INTERVAL_POLLER_HPP

#include "kallglot/polling/request_gate.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/tracking/server_clock.hpp"
#include "kallglot/tracking/session_ledger.hpp"
#include "kallglot/tracking/session_tracker.hpp"

#include <cstdint>
#include <deque>
#include <memory>

namespace kallglot::policy {

class fixed_interval_poller final : public api_listener {
public:
    static constexpr steady_duration interval = std::chrono::seconds(10);

    fixed_interval_poller(session_ledger& ledger, request_gate& gate, clock& time);

    void start(api_client& client) { client_ = &client; }

    /// Adds a session at the end of the queue.
    void add(session_slot slot);

    void on_answer(const api_answer& answer) override;

    [[nodiscard]] std::uint64_t polls() const noexcept { return polls_; }

    [[nodiscard]] std::uint64_t late_polls() const noexcept { return late_; }

    /// The delay of the next poll relative to the interval.
    [[nodiscard]] double stretch() const;

private:
    struct turn {
        session_slot slot = no_slot;
        steady_time due = no_time;
    };

    void pump();

    session_ledger& ledger_;
    request_gate& gate_;
    clock& clock_;
    api_client* client_ = nullptr;
    std::unique_ptr<wake_timer> timer_;
    server_clock api_clock_;
    std::deque<turn> turns_; ///< in the order of their due times
    std::uint64_t polls_ = 0;
    std::uint64_t late_ = 0;
};

} // namespace kallglot::policy

#endif
