// A disk that fails when a test says so: stands between SQLite and the system while it lives.

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

    /// Writes answer with this code (SQLITE_FULL, SQLITE_IOERR_WRITE); SQLITE_OK: as usual.
    std::atomic<int> write_code{SQLITE_OK};

    /// The n-th sync from now on fails with an I/O error, and no other; 0: none.
    std::atomic<int> sync_to_fail{0};

    std::atomic<int> syncs{0};

    /// A sync does not return for as long as this is so.
    std::atomic<bool> syncs_hang{false};

private:
    sqlite3_vfs vfs_{};
};

} // namespace kallglot::test

#endif
