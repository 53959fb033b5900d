/// Thin wrappers of stat(2) and pread(2): comparison of a file's status at two moments, and reading a piece of it.

#ifndef KALLGLOT_INTAKE_REGULAR_FILE_HPP
#define KALLGLOT_INTAKE_REGULAR_FILE_HPP

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace kallglot {

/// Resolution of the kernel's file timestamps: two changes within it can have the same stamp.
inline constexpr std::int64_t stamp_grain_ns = 20'000'000;

[[nodiscard]] inline bool same_file(const struct stat& a, const struct stat& b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

[[nodiscard]] inline bool same_time(const timespec& a, const timespec& b) noexcept {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Whether nothing was written in between, as far as the stamps show.
[[nodiscard]] inline bool same_content(const struct stat& a, const struct stat& b) noexcept {
    return same_file(a, b) && a.st_size == b.st_size && same_time(a.st_mtim, b.st_mtim)
           && same_time(a.st_ctim, b.st_ctim);
}

/// Whether the next change may get the same stamp. Compares the stamp with the clock that the kernel stamps with.
[[nodiscard]] inline bool just_written(const struct stat& status) noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t age = (std::int64_t{now.tv_sec} - status.st_ctim.tv_sec) * 1'000'000'000
                             + (now.tv_nsec - status.st_ctim.tv_nsec);
    return age >= 0 && age < stamp_grain_ns;
}

/// Errors: -1 and errno, as pread(2); never EINTR.
[[nodiscard]] inline ssize_t read_at(int file,
                                     char* into,
                                     std::size_t size,
                                     std::size_t position) noexcept {
    ssize_t got = 0;
    do {
        got = ::pread(file, into, size, static_cast<off_t>(position));
    } while (got < 0 && errno == EINTR);
    return got;
}

} // namespace kallglot

#endif
