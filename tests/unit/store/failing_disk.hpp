// A disk that fails on request of a test. While it exists, it intercepts SQLite's calls of the system.

#ifndef KALLGLOT_TESTS_UNIT_STORE_FAILING_DISK_HPP
#define KALLGLOT_TESTS_UNIT_STORE_FAILING_DISK_HPP

#include <sqlite3.h>

#include <atomic>

namespace kallglot::test {

/// One at a time. Any thread.
class failing_disk {
public:
    failing_disk();
    ~failing_disk();
    failing_disk(const failing_disk&) = delete;
    failing_disk& operator=(const failing_disk&) = delete;

    /// The result of writes (SQLITE_FULL, SQLITE_IOERR_WRITE); SQLITE_OK: no failure.
    std::atomic<int> write_code{SQLITE_OK};

    /// Only the n-th sync from now on fails, with an I/O error; 0: none.
    std::atomic<int> sync_to_fail{0};

    std::atomic<int> syncs{0};

    /// While true, a sync does not return.
    std::atomic<bool> syncs_hang{false};

private:
    sqlite3_vfs vfs_{};
};

} // namespace kallglot::test

#endif
