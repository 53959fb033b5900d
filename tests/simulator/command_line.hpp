// The flags of kallglot_simulator.

#ifndef KALLGLOT_SIMULATOR_COMMAND_LINE_HPP
#define KALLGLOT_SIMULATOR_COMMAND_LINE_HPP

#include "simulator/simulated_api.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>

namespace kallglot::simulator {

/// The values of the command line.
struct run_plan {
    simulated_api_settings settings;
    std::string state_dir;                    // empty: none
    std::chrono::milliseconds max_runtime{0}; // 0: until a signal stops it
};

/// Why the program does not run: --help or --version (code 0, to stdout), or an invalid flag (code 2, to stderr).
struct early_exit {
    int code{0};
    std::string text;
};

[[nodiscard]] std::variant<run_plan, early_exit> read_command_line(int argc,
                                                                   const char* const* argv);

} // namespace kallglot::simulator

#endif
