// kallglot_simulator: the simulated API as a program.

#include "simulator/command_line.hpp"
#include "simulator/simulated_api.hpp"
#include "simulator/state_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

namespace {

namespace asio = boost::asio;
using namespace kallglot::simulator;

// Thousands of connections need thousands of descriptors; the usual soft limit is 1024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void write_state(const state_directory& directory, simulated_api& api) {
    directory.write("ca.pem", api.authority_pem());
    directory.write("api_key", api.state().key + "\n", true);
    directory.write("sessions.txt", "");
    directory.append_sessions(api.standing_ids());
    // The last file: if it exists, the others do too.
    directory.write("address", api.authority() + "\n");
}

void print_summary(simulated_api& api, const run_plan& plan) {
    std::printf(
        "kallglot_simulator: %s, %llu sessions (%llu stuck, %llu never started), %.2f arrivals/s\n",
        api.base_url().c_str(),
        static_cast<unsigned long long>(plan.settings.population.sessions),
        static_cast<unsigned long long>(plan.settings.population.stuck),
        static_cast<unsigned long long>(plan.settings.population.never_started),
        api.state().sessions.arrivals_per_second());
    std::fflush(stdout);
}

int run(run_plan plan) {
    asio::io_context context{1};
    std::unique_ptr<state_directory> directory;
    if (!plan.state_dir.empty()) {
        directory = std::make_unique<state_directory>(plan.state_dir);
        plan.settings.on_new_sessions = [&directory](const std::vector<std::string>& ids) {
            directory->append_sessions(ids);
        };
    }
    simulated_api api{context, plan.settings};
    if (const auto error = api.start()) {
        std::fprintf(stderr, "kallglot_simulator: cannot listen: %s\n", error.message().c_str());
        return 1;
    }
    if (directory) {
        write_state(*directory, api);
    }
    print_summary(api, plan);

    asio::signal_set signals{context, SIGINT, SIGTERM};
    asio::steady_timer end{context};
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) {
            end.cancel();
            api.stop();
        }
    });
    if (plan.max_runtime.count() > 0) {
        end.expires_after(plan.max_runtime);
        end.async_wait([&](const boost::system::error_code& error) {
            if (!error) {
                signals.cancel();
                api.stop();
            }
        });
    }
    context.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        auto plan = read_command_line(argc, argv);
        if (const auto* exit = std::get_if<early_exit>(&plan)) {
            std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
            return exit->code;
        }
        raise_descriptor_limit();
        return run(std::move(std::get<run_plan>(plan)));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "kallglot_simulator: %s\n", error.what());
        return 1;
    }
}
