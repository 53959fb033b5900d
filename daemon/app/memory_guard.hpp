/// Rejects new sessions while the process is close to the memory limit of its control group.
///
/// The kernel kills a process above MemoryMax, and after a restart with as many sessions it would be killed again. So from
/// 90 % on the daemon rejects new sessions, and continues to poll the present ones, until it is below 85 %. Only the own
/// memory of the process counts: the kernel can release cached pages of files.

#ifndef KALLGLOT_APP_MEMORY_GUARD_HPP
#define KALLGLOT_APP_MEMORY_GUARD_HPP

#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace kallglot {

/// The lowest memory limit of the process' control groups, from its own up to the root; empty without a limit.
///
/// Source: memory.max of version 2, memory.limit_in_bytes of version 1 (cgroups(7)). Blocking: reads a few files of the
/// kernel. `root` is /sys/fs/cgroup, `groups` is /proc/self/cgroup; tests pass others.
[[nodiscard]] std::optional<std::uint64_t> memory_limit_bytes(
    const std::filesystem::path& root = "/sys/fs/cgroup",
    const std::filesystem::path& groups = "/proc/self/cgroup");

/// Resident memory without pages of files. 0 if it cannot be measured now.
[[nodiscard]] std::uint64_t own_memory_bytes() noexcept;

/// Loop only. Lifetime: clock and logger outlive it.
class memory_guard {
public:
    using meter = std::function<std::uint64_t()>;
    using listener = std::function<void(bool is_short)>;

    /// `on_change` is called at each change. `used` is own_memory_bytes; tests pass another function.
    memory_guard(clock& time, logger& log, listener on_change, meter used = own_memory_bytes);

    /// If there is a limit, checks ten times a second from now on: an import can add ids fast.
    void start(std::optional<std::uint64_t> limit_bytes);

    void stop() { timer_->cancel(); }

private:
    void look();

    clock& clock_;
    logger& log_;
    listener on_change_;
    meter used_;
    std::uint64_t limit_ = 0;
    bool is_short_ = false;
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
