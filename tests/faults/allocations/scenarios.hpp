// What is done while memory runs out: each path on which bytes from outside or ids to keep are handled.

#ifndef KALLGLOT_TESTS_FAULTS_ALLOCATIONS_SCENARIOS_HPP
#define KALLGLOT_TESTS_FAULTS_ALLOCATIONS_SCENARIOS_HPP

#include <atomic>
#include <span>
#include <string>

namespace kallglot::test {

/// What a scenario was told is durable. In memory that outlives the process it ran in.
struct ledger {
    std::atomic<int> groups{0};      ///< of changes, from the first on
    std::atomic<bool> damage{false}; ///< a sound file was taken for a damaged one
};

/// Where a scenario may keep a file, and what it tells while it runs.
struct surroundings {
    std::string folder;
    ledger* told;
    bool nothing_fails = false; ///< all memory is there: an error is wrong as well
};

/// One path, and what must hold afterwards.
struct scenario {
    const char* name;
    /// Makes the folder what `run` expects. Nothing fails meanwhile.
    void (*prepare)(const surroundings&);
    /// May end with any error and with bad_alloc, unless nothing fails. What is wrong in words; nullptr if nothing is.
    const char* (*run)(const surroundings&);
    /// In another process, with all memory: what is wrong; nullptr if nothing is.
    const char* (*look_back)(const surroundings&);
};

[[nodiscard]] std::span<const scenario> parsing_scenarios();
[[nodiscard]] std::span<const scenario> store_scenarios();

} // namespace kallglot::test

#endif
