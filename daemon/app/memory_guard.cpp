#include "app/memory_guard.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

namespace kallglot {

namespace {

namespace fs = std::filesystem;

/// An import of a million ids takes seconds, and 10 % of the limit must last until the next check.
constexpr steady_duration look_interval = std::chrono::milliseconds(100);

/// Version 1 reports "no limit" as the largest number of pages.
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60U;

std::optional<std::uint64_t> number_in(const fs::path& file) {
    // "max" of version 2 is no number, so it counts as no limit.
    std::ifstream in(file);
    std::uint64_t value = 0;
    if (in >> value && value < no_limit) {
        return value;
    }
    return std::nullopt;
}

/// Lowers `min` to the lowest limit in the files `name` from `folder` up to `root`: each group limits those below it.
void lower_to_min(std::optional<std::uint64_t>& min,
                  const fs::path& root,
                  fs::path folder,
                  const char* name) {
    for (;;) {
        // A group without the controller has no such file, and no limit of its own.
        if (const auto own = number_in(folder / name)) {
            min = std::min(*own, min.value_or(*own));
        }
        // The second condition ends the loop for a path outside the root.
        if (folder == root || !folder.has_relative_path()) {
            return;
        }
        folder = folder.parent_path();
    }
}

} // namespace

std::optional<std::uint64_t> memory_limit_bytes(const fs::path& root, const fs::path& groups) {
    std::optional<std::uint64_t> min;
    std::ifstream in(groups);
    for (std::string line; std::getline(in, line);) {
        // hierarchy:controllers:/path. The line of version 2 has no controllers.
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        // The format is that of cgroups(7), /proc/[pid]/cgroup.
        if (first == std::string::npos || second == std::string::npos) {
            continue;
        }
        // The path without its slash, since it is appended to the root.
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(std::min(second + 2, line.size()));
        if (controllers.empty()) {
            lower_to_min(min, root, path.empty() ? root : root / path, "memory.max");
        } else if (controllers == "memory") {
            // Version 1 mounts each controller in a folder of its own.
            const fs::path own = root / "memory";
            lower_to_min(min, own, path.empty() ? own : own / path, "memory.limit_in_bytes");
        }
    }
    return min;
}

std::uint64_t own_memory_bytes() noexcept {
    // Size, resident, shared; in pages.
    // Shared pages are mostly files (the program, libraries, the store), which the kernel can drop.
    std::ifstream in("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    std::uint64_t shared = 0;
    in >> size >> resident >> shared;
    // A failed read leaves zeros, and look() takes 0 as "not measured".
    return (resident - std::min(shared, resident)) * static_cast<std::uint64_t>(::getpagesize());
}

memory_guard::memory_guard(clock& time, logger& log, listener on_change, meter used)
    : clock_(time),
      log_(log),
      on_change_(std::move(on_change)),
      used_(std::move(used)),
      timer_(make_timer<&memory_guard::look>(time, *this)) {}

void memory_guard::start(std::optional<std::uint64_t> limit_bytes) {
    // Without a limit there is nothing to guard: no timer.
    limit_ = limit_bytes.value_or(0);
    if (limit_ != 0) {
        timer_->wake_at(clock_.now() + look_interval);
    }
}

void memory_guard::look() {
    timer_->wake_at(clock_.now() + look_interval);
    const std::uint64_t used = used_();
    if (used == 0) {
        // It could not be measured, perhaps for lack of a descriptor: keep the present state.
        return;
    }
    // Two thresholds, so that the state does not flap.
    // Divided first: a limit times 90 could overflow.
    const bool is_short = used >= limit_ / 100 * (is_short_ ? 85 : 90);
    if (is_short == std::exchange(is_short_, is_short)) {
        return;
    }
    if (is_short) {
        log_.warn("memory above 90 % of the limit: new session ids are rejected",
                  {{"used_bytes", used}, {"limit_bytes", limit_}});
    } else {
        log_.info("memory below 85 % of the limit: session ids are accepted again",
                  {{"used_bytes", used}, {"limit_bytes", limit_}});
    }
    on_change_(is_short);
}

} // namespace kallglot
