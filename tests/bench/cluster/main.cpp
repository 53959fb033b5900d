// Runs schedules of the simulated cluster; see tests/bench/README.md.

#include "bench/cluster/simulated_cluster.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

using namespace kallglot::cluster_simulation;

struct command_line {
    std::string mutant = "none";
    std::uint64_t first = 1;
    std::uint64_t count = 100'000;
    bool trace = false;
};

void add(tally& total, const tally& one) {
    total.beats += one.beats;
    total.takeovers += one.takeovers;
    total.releases += one.releases;
    total.fenced += one.fenced;
    total.lossy += one.lossy;
    total.refused += one.refused;
    total.sessions += one.sessions;
}

void print(const tally& total, std::uint64_t schedules) {
    std::cout << schedules << " schedules: " << total.beats << " beats, " << total.takeovers
              << " takeovers, " << total.releases << " shards released, " << total.fenced
              << " replicas fenced, " << total.lossy << " lossy failovers, " << total.refused
              << " writes refused, " << total.sessions << " sessions acknowledged\n";
}

int run(const command_line& line) {
    const protocol_mutant mutant = protocol_mutant_words.find(line.mutant, protocol_mutant::none);
    if (protocol_mutant_words.text_of(mutant) != line.mutant) {
        std::cerr << "unknown mutant " << line.mutant << '\n';
        return EXIT_FAILURE;
    }
    tally total;
    for (std::uint64_t seed = line.first; seed < line.first + line.count; ++seed) {
        simulated_cluster one(seed, mutant);
        if (line.trace) {
            one.trace();
        }
        const auto broken = one.run();
        add(total, one.counts());
        if (broken) {
            std::cout << "seed " << seed << " at " << kallglot::to_seconds(broken->at)
                      << " s: " << broken->promise << ": " << broken->detail << '\n';
            print(total, seed - line.first + 1);
            return EXIT_FAILURE;
        }
    }
    print(total, line.count);
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    command_line line;
    CLI::App app(
        "Simulates clusters on virtual time, one for each seed, and checks what the protocol "
        "promises.",
        "kallglot_cluster_simulation");
    app.add_option("--mutant", line.mutant, "Error to put into the protocol")
        ->capture_default_str();
    app.add_option("--seed", line.first, "First seed")->capture_default_str();
    app.add_option("--count", line.count, "Number of seeds")->capture_default_str();
    app.add_flag("--trace", line.trace, "Show each fault, statement and answer");
    try {
        app.parse(argc, argv);
        return run(line);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::cerr << "kallglot_cluster_simulation: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
