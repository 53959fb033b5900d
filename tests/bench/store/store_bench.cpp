// The cost of durability on this disk: bulk and single registrations, and the restore of a million ids.
//
// The store is in the folder for temporary files; set TMPDIR to measure another disk.

#include "kallglot/store/durable_store.hpp"
#include "store/sqlite/sqlite_engine.hpp"
#include "support/loop.hpp"
#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using wall_clock = std::chrono::steady_clock;

session_id id_of(std::uint64_t number) {
    // Scattered like random ids: the order of arrival is not the order of the table.
    const std::uint64_t spread = number * 0x9E37'79B9'7F4A'7C15ULL;
    std::string text = "sess_";
    for (int digit = 0; digit < 20; ++digit) {
        text += static_cast<char>('a' + ((spread >> (digit * 3)) & 15));
    }
    return session_id::parse(text + std::to_string(number)).value();
}

class silent_owner final : public store_owner, public store_reader {
public:
    void on_not_stored(std::span<const session_id>) override { std::abort(); }

    void on_store_unusable(const std::string&) override { std::abort(); }

    void on_store_usable() override {}

    bool list_sessions(std::uint64_t&, std::size_t, std::vector<kept_session>&) override {
        return false;
    }

    bool list_remembered(std::uint64_t&, std::size_t, std::vector<remembered_entry>&) override {
        return false;
    }

    bool list_episodes(std::uint64_t&, std::size_t, std::vector<stuck_episode>&) override {
        return false;
    }

    void on_episodes(std::span<const stuck_episode>) override {}

    void on_sessions(std::span<const kept_session> sessions) override {
        restored += sessions.size();
    }

    void on_secret(const hash_key&) override {}

    void on_remembered(std::span<const remembered_entry>) override {}

    std::size_t restored = 0;
};

task<> open_and_restore(durable_store* store, silent_owner* owner) {
    const error_code opened = co_await store->open();
    const error_code restored = co_await store->restore(*owner);
    if (opened || restored) {
        std::abort();
    }
}

task<> close_store(durable_store* store) {
    const error_code closed = co_await store->close();
    if (closed) {
        std::abort();
    }
}

task<> wait_for(durable_store* store, commit_ticket ticket) {
    const error_code error = co_await store->committed(ticket);
    if (error) {
        std::abort();
    }
}

/// One waiter of many: registers single ids, one after the other.
task<> register_ids(durable_store* store,
                    session_record record,
                    std::uint64_t first,
                    int count,
                    std::vector<double>* latencies) {
    for (int i = 0; i < count; ++i) {
        const auto begin = wall_clock::now();
        const commit_ticket ticket = store->add(id_of(first + static_cast<unsigned>(i)), record);
        const error_code error = co_await store->committed(ticket);
        if (error) {
            std::abort();
        }
        latencies->push_back(
            std::chrono::duration<double, std::milli>(wall_clock::now() - begin).count());
    }
}

/// A store that contains `size` sessions.
class bench_store {
public:
    explicit bench_store(std::uint64_t size) {
        open();
        while (next_ < size) {
            add(10'000);
        }
    }

    ~bench_store() { close(); }

    void open() {
        store_ = std::make_unique<durable_store>(
            loop_.executor(),
            clock_,
            log_,
            std::make_shared<sqlite_engine>((folder_.path() / "sessions.db").string()),
            store_limits{},
            [](const std::string&, const std::string&) { std::abort(); });
        owner_ = silent_owner();
        run(open_and_restore(store_.get(), &owner_));
        store_->start(owner_);
    }

    void close() {
        run(close_store(store_.get()));
        store_.reset();
    }

    void add(int count) {
        commit_ticket last{};
        for (int i = 0; i < count; ++i) {
            session_record imported = record();
            imported.bulk = true;
            last = store_->add(id_of(next_++), imported);
        }
        run(wait_for(store_.get(), last));
    }

    /// Single ids during an import of `imported` others.
    std::vector<double> add_singly_during(int imported, int waiters, int each) {
        for (int i = 0; i < imported; ++i) {
            session_record other = record();
            other.bulk = true;
            store_->add(id_of(next_++), other);
        }
        return add_singly(waiters, each);
    }

    [[nodiscard]] session_record record() const {
        session_record made;
        made.since = clock_.now() - std::chrono::seconds(10);
        made.observed = clock_.now();
        made.created = made.since - std::chrono::seconds(20);
        made.started = made.since - std::chrono::seconds(7);
        made.status = session_status::active;
        made.sources = 4;
        return made;
    }

    std::vector<double> add_singly(int waiters, int each) {
        std::vector<double> latencies;
        task_group group(loop_.executor(), loop::failure());
        for (int i = 0; i < waiters; ++i) {
            group.spawn("waiter", register_ids(store_.get(), record(), next_, each, &latencies));
            next_ += static_cast<unsigned>(each);
        }
        static_cast<void>(loop_.run_until([&] { return group.size() == 0; }));
        return latencies;
    }

    [[nodiscard]] std::size_t restored() const noexcept { return owner_.restored; }

    [[nodiscard]] double size() const {
        return static_cast<double>(store_->counted().size_bytes.value_or(0));
    }

private:
    void run(task<> work) { static_cast<void>(loop_.run(std::move(work))); }

    temporary_folder folder_;
    loop loop_;
    virtual_clock clock_;
    silent_owner owner_;
    null_logger log_;
    std::unique_ptr<durable_store> store_;
    std::uint64_t next_ = 0;
};

void bulk_registration(benchmark::State& state) {
    bench_store store(static_cast<std::uint64_t>(state.range(0)));
    double worst = 0;
    for (auto _ : state) {
        const auto begin = wall_clock::now();
        store.add(10'000);
        worst = std::max(worst, std::chrono::duration<double>(wall_clock::now() - begin).count());
    }
    state.counters["ids/s"] = benchmark::Counter(static_cast<double>(state.iterations()) * 10'000,
                                                 benchmark::Counter::kIsRate);
    state.counters["worst_ms"] = worst * 1000;
}

BENCHMARK(bulk_registration)
    ->Arg(0)
    ->Arg(1'000'000)
    ->Iterations(20)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void single_registration(benchmark::State& state) {
    bench_store store(static_cast<std::uint64_t>(state.range(0)));
    std::vector<double> all;
    for (auto _ : state) {
        const auto some = store.add_singly(static_cast<int>(state.range(1)), 200);
        all.insert(all.end(), some.begin(), some.end());
    }
    std::ranges::sort(all);
    state.counters["ids/s"] =
        benchmark::Counter(static_cast<double>(all.size()), benchmark::Counter::kIsRate);
    state.counters["p50_ms"] = all[all.size() / 2];
    state.counters["p99_ms"] = all[all.size() * 99 / 100];
    state.counters["max_ms"] = all.back();
}

BENCHMARK(single_registration)
    ->Args({0, 1})
    ->Args({0, 32})
    ->Args({1'000'000, 32})
    ->Iterations(5)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void single_registration_during_import(benchmark::State& state) {
    bench_store store(static_cast<std::uint64_t>(state.range(0)));
    std::vector<double> all;
    for (auto _ : state) {
        const auto some = store.add_singly_during(100'000, 32, 200);
        all.insert(all.end(), some.begin(), some.end());
    }
    std::ranges::sort(all);
    state.counters["p50_ms"] = all[all.size() / 2];
    state.counters["p99_ms"] = all[all.size() * 99 / 100];
    state.counters["max_ms"] = all.back();
}

BENCHMARK(single_registration_during_import)
    ->Arg(0)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void restore(benchmark::State& state) {
    bench_store store(static_cast<std::uint64_t>(state.range(0)));
    for (auto _ : state) {
        state.PauseTiming();
        store.close();
        state.ResumeTiming();
        store.open();
        if (store.restored() < static_cast<std::size_t>(state.range(0))) {
            state.SkipWithError("sessions are missing");
        }
    }
    state.counters["MB"] = store.size() / 1e6;
}

BENCHMARK(restore)->Arg(1'000'000)->Iterations(3)->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
} // namespace kallglot::test
