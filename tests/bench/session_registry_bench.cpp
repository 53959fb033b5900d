// The cost of a session: bytes in the table, the index and the schedule, and the time to find, add and remove one.

#include "kallglot/polling/poll_schedule.hpp"
#include "kallglot/tracking/session_registry.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;

constexpr steady_time t0 = steady_time{} + 1000h;

/// Resident memory of this process in bytes.
std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// An id of 31 characters, the length of the API's ids.
session_id id_of(std::size_t number) {
    std::string text = "sess_" + std::to_string(number);
    text.append(31 - text.size(), 'x');
    return session_id::parse(text).value();
}

void fill(session_registry& registry, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        registry.add(id_of(i));
    }
}

void find_a_session(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    session_registry registry(count);
    fill(registry, count);
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < 4096; ++i) {
        ids.emplace_back(id_of(i * 2'654'435'761U % count).view());
    }
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(registry.find(ids[++i % ids.size()]));
    }
}

void add_and_remove_a_session(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    session_registry registry(count + 1);
    fill(registry, count);
    const session_id id = id_of(count);
    for (auto _ : state) {
        registry.remove(registry.add(id).slot);
    }
}

/// The result is the counter `bytes_a_session`; the time is that of filling everything.
void bytes_of_a_session(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        const std::size_t before = resident_bytes();
        auto registry = std::make_unique<session_registry>(count);
        auto schedule = std::make_unique<poll_schedule>(*registry, poll_policy{}, t0);
        for (std::size_t i = 0; i < count; ++i) {
            const session_slot slot = registry->add(id_of(i)).slot;
            registry->update(slot, [i](session_record& record) {
                record.since = t0 + milliseconds(i % 10'000);
                record.bulk = true;
            });
            schedule->update(slot, t0);
        }
        state.counters["bytes_a_session"] =
            static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
    }
}

BENCHMARK(find_a_session)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(add_and_remove_a_session)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(bytes_of_a_session)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace kallglot
