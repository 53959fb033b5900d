/// Looks at many files in one call of a worker: what a path leads to now, without opening it.
///
/// A file system that hangs stops the call at one file. The loop sees which one, uses the answers before it, and looks at
/// the files behind it in another call.

#ifndef KALLGLOT_INTAKE_FILE_LOOKS_HPP
#define KALLGLOT_INTAKE_FILE_LOOKS_HPP

#include "intake/folder_events.hpp"

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {

/// What a path leads to.
struct file_look {
    int error = 0; ///< errno of stat(2)
    struct stat status{};
    std::set<int>
        watches; ///< on the folder of a link's target: its change makes no event in the folder of the link
};

/// One call. The worker writes it up to done(); the loop reads what is below that.
class file_looks {
public:
    file_looks(std::vector<std::string> paths, folder_watches watches)
        : paths_(std::move(paths)),
          answers_(paths_.size()),
          watches_(std::move(watches)) {}

    /// Looks at one file after the other. Blocking, once.
    void run();

    /// How many answers there are; while the worker waits, the next file is the one that does not answer.
    [[nodiscard]] std::size_t done() const noexcept {
        return done_.load(std::memory_order_acquire);
    }

    /// Any thread. The worker ends after the file that it is looking at.
    void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }

    [[nodiscard]] const file_look& answer(std::size_t index) const { return answers_[index]; }

private:
    [[nodiscard]] file_look look(const std::string& path) const;

    std::vector<std::string> paths_;
    std::vector<file_look> answers_;
    folder_watches watches_; // without folders: copied for each link
    std::atomic<std::size_t> done_{0};
    std::atomic<bool> abandoned_{false};
};

} // namespace kallglot

#endif
