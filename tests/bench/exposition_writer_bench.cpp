// The cost of writing a series: the goal is 32 ns for a gauge with two labels, and well under 1 ms for a whole scrape.

#include "kallglot/metrics/exposition.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace {

using namespace kallglot;

std::vector<std::string> make_ids(std::size_t count) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) {
        std::string number = std::to_string(i);
        ids.push_back("sess_01HXYZ" + std::string(20 - number.size(), '0') + number);
    }
    return ids;
}

void gauge_with_two_labels(benchmark::State& state) {
    const std::vector<std::string> ids = make_ids(static_cast<std::size_t>(state.range(0)));
    std::string text;
    for (auto _ : state) {
        text.clear();
        exposition_writer out(text, exposition_format::text);
        out.family(metric::session_status_age);
        double value = 0.25;
        for (const std::string& id : ids) {
            out.sample({{"session_id", id}, {"status", "connecting"}}, value);
            value += 1.5;
        }
        benchmark::DoNotOptimize(text.data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.counters["bytes/series"] =
        static_cast<double>(text.size()) / static_cast<double>(ids.size());
}

BENCHMARK(gauge_with_two_labels)->Arg(200)->Arg(100'000);

void whole_scrape(benchmark::State& state) {
    const daemon_metrics metrics(build_details{"1.0.0", "abcdef", "benchmark"});
    const process_metrics process;
    daemon_report report;
    report.census.oldest_since.fill(no_time);
    std::string text;
    for (auto _ : state) {
        text.clear();
        write_exposition(text, exposition_format::text, report, metrics, process, 0.002);
        benchmark::DoNotOptimize(text.data());
    }
    state.counters["bytes"] = static_cast<double>(text.size());
}

BENCHMARK(whole_scrape)->Unit(benchmark::kMicrosecond);

// The cost of the metrics of one poll; at most 100 ns.
void metrics_of_one_poll(benchmark::State& state) {
    daemon_metrics metrics(build_details{"1.0.0", "abcdef", "benchmark"});
    for (auto _ : state) {
        metrics.poll(poll_class::routine, milliseconds(3), false);
        metrics.request_sent();
        metrics.response(200, milliseconds(30));
    }
}

BENCHMARK(metrics_of_one_poll);

} // namespace
