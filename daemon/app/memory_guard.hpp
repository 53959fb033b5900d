/// Looks whether the process comes close to the memory that its control group gives it.
///
/// Whoever passes MemoryMax is killed, and a restart with as many sessions meets the same end. So from 90 % on the daemon
/// takes in no new sessions (it goes on polling those it has), until it is below 85 % again. What counts is the process'
/// own memory: the pages of files that the kernel keeps for it can be given back.

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

/// The least memory limit of the process' control groups, from its own up to the root; empty without any.
///
/// Source: memory.max of version 2, memory.limit_in_bytes of version 1 (cgroups(7)). Blocking: reads a few files of the
/// kernel. `root` is /sys/fs/cgroup, `groups` is /proc/self/cgroup; tests have their own.
[[nodiscard]] std::optional<std::uint64_t> memory_limit_bytes(
    const std::filesystem::path& root = "/sys/fs/cgroup",
    const std::filesystem::path& groups = "/proc/self/cgroup");

/// Resident memory that is not the content of a file. 0 if it cannot be measured now.
[[nodiscard]] std::uint64_t own_memory_bytes() noexcept;

/// Loop only. Lifetime: clock and logger outlive it.
class memory_guard {
public:
    using meter = std::function<std::uint64_t()>;
    using listener = std::function<void(bool is_short)>;

    /// `told` hears of each change. `used` is own_memory_bytes, but for tests.
    memory_guard(clock& time, logger& log, listener told, meter used = own_memory_bytes);

    /// Looks ten times a second from now on, if there is a limit: ids can come in fast.
    void start(std::optional<std::uint64_t> limit_bytes);

    void stop() { timer_->cancel(); }

private:
    void look();

    clock& clock_;
    logger& log_;
    listener told_;
    meter used_;
    std::uint64_t limit_ = 0;
    bool is_short_ = false;
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
