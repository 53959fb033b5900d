// The cost of one poll in the schedule: taking the most urgent session and putting it back after its answer. With a
// thousand and a million sessions; with enough requests (sessions come from the wheel) and under shortage (all wait in
// the queues).

#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr steady_time t0 = steady_time{} + 1000h;

/// Sessions of mixed statuses, their polls spread over their intervals.
class crowd {
public:
    explicit crowd(std::size_t count) : registry_(count), schedule_(registry_, policy(), t0) {
        constexpr std::array statuses{session_status::created,
                                      session_status::connecting,
                                      session_status::active,
                                      session_status::active,
                                      session_status::active};
        for (std::size_t i = 0; i < count; ++i) {
            const std::string text = "sess_" + std::to_string(10'000'000 + i);
            const session_slot slot = registry_.add(session_id::parse(text).value()).slot;
            registry_.update(slot, [&](session_record& record) {
                record.status = statuses[i % statuses.size()];
                record.since = record.observed = t0;
                record.last_sent = t0 - milliseconds((i * 7919) % 30'000);
            });
            schedule_.update(slot, t0);
        }
    }

    void use_budget(double rate) { static_cast<void>(schedule_.use_budget(rate, t0)); }

    [[nodiscard]] double demand() const { return schedule_.demand(); }

    /// One poll: taken, sent, answered at once, put back. False if no session is due.
    bool poll(steady_time now) {
        const auto due = schedule_.take(now);
        if (!due) {
            return false;
        }
        registry_.update(due->slot, [now](session_record& record) {
            record.last_sent = now;
            record.observed = now;
            record.since = now;
        });
        schedule_.update(due->slot, now);
        return true;
    }

    void advance(steady_time now) { schedule_.advance(now); }

private:
    static poll_policy policy() {
        poll_policy policy;
        policy.poll.intervals = {5s, 2s, 30s, 5s, 30s, 30min};
        return policy;
    }

    session_registry registry_;
    poll_schedule schedule_;
};

/// All sessions wait: each poll goes to the session that has waited longest relative to its interval.
void take_and_put_back_under_shortage(benchmark::State& state) {
    crowd sessions(static_cast<std::size_t>(state.range(0)));
    sessions.use_budget(0);
    steady_time now = t0 + 10min;
    sessions.advance(now);
    for (auto _ : state) {
        now += 1us;
        if (!sessions.poll(now)) {
            now += 1h;
            sessions.advance(now);
        }
    }
}

/// Each session is polled when the wheel reports it; advancing the wheel is part of the cost.
void take_and_put_back_in_time(benchmark::State& state) {
    crowd sessions(static_cast<std::size_t>(state.range(0)));
    sessions.use_budget(1e12);
    steady_time now = t0;
    for (auto _ : state) {
        while (!sessions.poll(now)) {
            now += 1ms;
            sessions.advance(now);
        }
    }
}

BENCHMARK(take_and_put_back_under_shortage)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(take_and_put_back_in_time)->Arg(1'000)->Arg(1'000'000);

} // namespace
} // namespace kallglot
