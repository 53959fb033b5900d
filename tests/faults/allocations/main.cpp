// Lets each allocation of a code path fail in turn: alone, and with all after it.
//
//   allocation_faults <folder> [step]   each step-th allocation; prints a line for each path
//
// Each failure runs in a process of its own, which has to end with success, an error or an intended abort. It must not leak
// memory or accept a wrong result, and the next process must find everything that was reported durable. Exit code 1 if not.

#include "failing_memory.hpp"
#include "scenarios.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <string_view>

namespace kallglot::test {
namespace {

// Exit codes of a child process. A signal is reported by the system.
enum ending { good = 0, no_memory = 10, leaked = 11, wrong = 12 };

// Runs a function in a child process and returns its wait status.
int in_a_child(const std::function<int()>& what) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(what());
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
        std::abort();
    }
    return status;
}

void complain(const scenario& tested, std::uint64_t number, bool lasting, const std::string& what) {
    std::printf("%s, %llu%s: %s\n",
                tested.name,
                static_cast<unsigned long long>(number),
                lasting ? " and all behind it" : "",
                what.c_str());
    std::fflush(stdout);
}

int fail_at(const scenario& tested,
            const surroundings& around,
            std::uint64_t number,
            bool lasting) {
    // An intended abort prints its reason, thousands of times in a sweep.
    static_cast<void>(std::freopen("/dev/null", "w", stderr));
    const std::int64_t before = blocks_in_use();
    const char* complaint = nullptr;
    bool thrown = false;
    fail_allocation(number, lasting);
    try {
        complaint = tested.run(around);
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    stop_failing();
    if (complaint != nullptr) {
        complain(tested, number, lasting, complaint);
        return wrong;
    }
    if (blocks_in_use() != before) {
        return leaked;
    }
    return thrown ? no_memory : good;
}

struct tally {
    int errors = 0; ///< no bad_alloc: the path returned an error, or succeeded all the same
    int thrown = 0;
    int aborted = 0;
    int bad = 0;
};

void judge(tally& counts, int status, const scenario& tested, std::uint64_t number, bool lasting) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == good) {
        ++counts.errors;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == no_memory) {
        ++counts.thrown;
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
        ++counts.aborted;
    } else {
        ++counts.bad;
        complain(tested,
                 number,
                 lasting,
                 WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                     : "exit " + std::to_string(WEXITSTATUS(status)));
    }
}

bool sweep(const scenario& tested, const surroundings& around, std::uint64_t step) {
    // Twice, so that allocations that happen once in a process are over.
    std::uint64_t total = 0;
    surroundings good = around;
    good.nothing_fails = true;
    for (int i = 0; i < 2; ++i) {
        tested.prepare(good);
        fail_allocation(0, false);
        const char* complaint = tested.run(good);
        total = stop_failing();
        if (complaint == nullptr) {
            complaint = tested.look_back(good);
        }
        if (complaint != nullptr) {
            std::printf("%s with all its memory: %s\n", tested.name, complaint);
            return false;
        }
    }
    tally counts;
    for (std::uint64_t number = 1; number <= total; number += step) {
        for (const bool lasting : {false, true}) {
            around.durable->groups = 0;
            around.durable->damage = false;
            tested.prepare(around);
            judge(counts,
                  in_a_child([&] { return fail_at(tested, around, number, lasting); }),
                  tested,
                  number,
                  lasting);
            if (const char* const complaint = tested.look_back(around)) {
                ++counts.bad;
                complain(tested, number, lasting, complaint);
            }
        }
    }
    std::printf("%s: %llu allocations, %d without, %d thrown, %d aborted, %d wrong\n",
                tested.name,
                static_cast<unsigned long long>(total),
                counts.errors,
                counts.thrown,
                counts.aborted,
                counts.bad);
    std::fflush(stdout);
    return counts.bad == 0;
}

} // namespace
} // namespace kallglot::test

int main(int argc, char** argv) {
    using namespace kallglot::test;
    std::uint64_t step = 1;
    if (argc > 2) {
        const std::string_view text = argv[2];
        std::from_chars(text.data(), text.data() + text.size(), step);
    }
    if (argc < 2 || argc > 3 || step == 0) {
        std::fprintf(stderr, "usage: allocation_faults <folder> [step]\n");
        return 2;
    }
    install_failing_memory();
    // Shared with the children, which report to it what is durable.
    void* const shared =
        ::mmap(nullptr, sizeof(ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return 2;
    }
    const surroundings around{std::string(argv[1]) + "/store", new (shared) ledger};
    bool sound = true;
    for (const auto& group : {parsing_scenarios(), store_scenarios()}) {
        for (const scenario& tested : group) {
            sound &= sweep(tested, around, step);
        }
    }
    return sound ? 0 : 1;
}
