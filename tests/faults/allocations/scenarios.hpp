// The code paths that run while memory is exhausted: those that handle bytes from outside, and those that store ids.

#ifndef KALLGLOT_TESTS_FAULTS_ALLOCATIONS_SCENARIOS_HPP
#define KALLGLOT_TESTS_FAULTS_ALLOCATIONS_SCENARIOS_HPP

#include <atomic>
#include <span>
#include <string>

namespace kallglot::test {

/// What the store reported to a scenario. In memory that is shared with the process it runs in.
struct ledger {
    std::atomic<int> groups{0};      ///< durable groups of changes, from the first on
    std::atomic<bool> damage{false}; ///< a sound file was taken for a damaged one
};

/// The folder of a scenario, and its report while it runs.
struct surroundings {
    std::string folder;
    ledger* durable;
    bool nothing_fails = false; ///< no allocation fails, so an error is wrong too
};

/// One code path, and the check afterwards.
struct scenario {
    const char* name;
    /// Prepares the folder for `run`. No allocation fails meanwhile.
    void (*prepare)(const surroundings&);
    /// May end with any error or bad_alloc if an allocation fails. Returns what is wrong; nullptr: nothing.
    const char* (*run)(const surroundings&);
    /// Runs in another process without failures. Returns what is wrong; nullptr: nothing.
    const char* (*look_back)(const surroundings&);
};

[[nodiscard]] std::span<const scenario> parsing_scenarios();
[[nodiscard]] std::span<const scenario> store_scenarios();

} // namespace kallglot::test

#endif
