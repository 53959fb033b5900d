// The flags of kallglot_simulator.

#ifndef KALLGLOT_SIMULATOR_COMMAND_LINE_HPP
#define KALLGLOT_SIMULATOR_COMMAND_LINE_HPP

#include "simulator/simulated_api.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>

namespace kallglot::simulator {

/// What the command line asks for.
struct run_plan {
    simulated_api_settings settings;
    std::string state_dir;                    // empty: none
    std::chrono::milliseconds max_runtime{0}; // 0: until a signal stops it
};

/// Why not to run: help or version was asked for (code 0, to stdout), or a flag is wrong (code 2,
/// to stderr).
struct early_exit {
    int code{0};
    std::string text;
};

[[nodiscard]] std::variant<run_plan, early_exit> read_command_line(int argc,
                                                                   const char* const* argv);

} // namespace kallglot::simulator

#endif
