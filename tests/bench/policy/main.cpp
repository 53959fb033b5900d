// Prints the table of polling policies; see ../README.md.

#include "bench/policy/simulation.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace kallglot::policy;

struct command_line {
    std::string filter;
    std::string policy;
    std::string json;
    std::uint64_t seed = 1;
    bool list = false;
};

int run(const command_line& line) {
    std::vector<outcome> outcomes;
    for (const scenario& plan : all_scenarios()) {
        if (plan.name.find(line.filter) == std::string::npos) {
            continue;
        }
        if (line.list) {
            std::cout << plan.name << '\n';
            continue;
        }
        for (const polling policy :
             {polling::ours, polling::ours_with_webhooks, polling::fixed_interval}) {
            const bool asked = line.policy.empty() || line.policy == to_string(policy);
            if (!asked || (plan.only_webhook_policy && policy != polling::ours_with_webhooks)) {
                continue;
            }
            simulation one(plan, policy, line.seed);
            outcomes.push_back(one.run());
            std::cerr << '.' << std::flush;
        }
    }
    if (line.list) {
        return EXIT_SUCCESS;
    }
    std::cerr << '\n';
    print_table(std::cout, outcomes);
    if (!line.json.empty()) {
        std::ofstream file(line.json);
        print_json(file, outcomes);
        if (!file.flush()) {
            std::cerr << "cannot write " << line.json << '\n';
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    command_line line;
    CLI::App app("Simulates polling policies on virtual time and prints how they compare.",
                 "kallglot_policy_simulation");
    app.add_option("--scenario", line.filter, "Only scenarios whose name contains this");
    app.add_option("--policy", line.policy, "Only this one: ours, ours + webhooks, fixed interval");
    app.add_option("--seed", line.seed, "Reproduces a run")->capture_default_str();
    app.add_option("--json", line.json, "Also write the figures to this file");
    app.add_flag("--list", line.list, "Show the scenarios' names and exit");
    try {
        app.parse(argc, argv);
        return run(line);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::cerr << "kallglot_policy_simulation: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
