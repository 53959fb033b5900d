// The names and meanings are those of Prometheus' client libraries. A value that cannot be read is left out: a 0 would
// be a claim.

#include "kallglot/metrics/exposition.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>

namespace kallglot {

namespace {

// Seconds with fractions, the unit of Prometheus.
[[nodiscard]] double timespec_seconds(const timespec& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// One line has CPU, memory, threads and start time, so one read suffices.
[[nodiscard]] std::optional<process_stat> read_process_stat() {
    std::ifstream file("/proc/self/stat");
    std::string text;
    if (!std::getline(file, text)) {
        return std::nullopt;
    }
    return parse_process_stat(text,
                              static_cast<double>(::sysconf(_SC_CLK_TCK)),
                              static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

[[nodiscard]] std::optional<double> count_open_fds() {
    // Since Linux 6.2 the size of the directory is the number; before, it is 0.
    struct stat folder{};
    if (::stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
        return static_cast<double>(folder.st_size);
    }
    // Older kernels: count the entries. The start at -1 leaves out the descriptor of the listing itself.
    // No exceptions: out of descriptors is exactly the moment when this number matters.
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc/self/fd", error);
    double count = -1;
    while (!error && entry != std::filesystem::directory_iterator()) {
        ++count;
        entry.increment(error);
    }
    return error ? std::nullopt : std::optional<double>(count);
}

// `auto`, because the type of RLIMIT_* differs between C libraries. No limit is infinity.
[[nodiscard]] std::optional<double> soft_limit(auto resource) noexcept {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) {
        return std::nullopt;
    }
    return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                           : static_cast<double>(limit.rlim_cur);
}

void write_if_known(exposition_writer& out, metric which, std::optional<double> value) {
    if (value) {
        out.single(which, *value);
    }
}

} // namespace

std::optional<process_stat> parse_process_stat(std::string_view text,
                                               double ticks_per_second,
                                               double page_bytes) {
    // The program name is in brackets and can contain brackets and spaces itself, so fields are counted from the last
    // bracket.
    const std::size_t bracket = text.rfind(')');
    if (bracket == std::string_view::npos || bracket + 2 > text.size()) {
        return std::nullopt;
    }
    text.remove_prefix(bracket + 2);

    // Numbers of proc(5): the first field after the bracket is 3, the state, a letter; the last one used is 24,
    // resident pages.
    constexpr std::size_t first_field = 3;
    constexpr std::size_t last_field = 24;
    std::array<double, last_field + 1> field{};
    for (std::size_t i = first_field; i <= last_field; ++i) {
        // Every field but the state must be a number to its end.
        const std::size_t end = std::min(text.find(' '), text.size());
        const char* const stop = text.data() + end;
        const auto [parsed, error] = std::from_chars(text.data(), stop, field[i]);
        if (i != first_field && (error != std::errc() || parsed != stop)) {
            return std::nullopt;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }

    process_stat stat;
    // User and system time, both in clock ticks.
    stat.cpu_seconds = (field[14] + field[15]) / ticks_per_second;
    stat.threads = field[20];
    stat.start_after_boot_seconds = field[22] / ticks_per_second;
    stat.virtual_bytes = field[23];
    stat.resident_bytes = field[24] * page_bytes;
    return stat;
}

process_metrics::process_metrics() {
    const std::optional<process_stat> stat = read_process_stat();
    timespec since_boot{};
    if (!stat || ::clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) {
        return;
    }
    // The usual way, the boot time of /proc/stat, is hidden in a hardened service. The clock since boot gives the same.
    const std::chrono::duration<double> wall = std::chrono::system_clock::now().time_since_epoch();
    // The age of the process on one clock, subtracted from the wall clock.
    // CLOCK_BOOTTIME, as the kernel's start time counts suspended time too.
    const double age = timespec_seconds(since_boot) - stat->start_after_boot_seconds;
    start_time_seconds_ = wall.count() - age;
}

// Order and names as in other exporters, so that existing dashboards work.
void process_metrics::write(exposition_writer& out) const {
    if (const std::optional<process_stat> stat = read_process_stat()) {
        out.single(metric::process_cpu, stat->cpu_seconds);
        out.single(metric::process_resident_memory, stat->resident_bytes);
        out.single(metric::process_virtual_memory, stat->virtual_bytes);
        out.single(metric::process_threads, stat->threads);
    }
    write_if_known(out, metric::process_virtual_memory_max, soft_limit(RLIMIT_AS));
    write_if_known(out, metric::process_open_fds, count_open_fds());
    write_if_known(out, metric::process_max_fds, soft_limit(RLIMIT_NOFILE));
    write_if_known(out, metric::process_start_time, start_time_seconds_);
}

} // namespace kallglot
