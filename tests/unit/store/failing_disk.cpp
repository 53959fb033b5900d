#include "failing_disk.hpp"

#include <cstring>

namespace kallglot::test {

namespace {

failing_disk* disk = nullptr;
sqlite3_vfs* real = nullptr;

/// Where open_file() stores the system's functions: behind the system's own part of the file object.
const sqlite3_io_methods*& methods_of(sqlite3_file* file) {
    return *reinterpret_cast<const sqlite3_io_methods**>(reinterpret_cast<char*>(file)
                                                         + real->szOsFile);
}

/// Calls a function of the system with the file as the system knows it.
template <class Call>
auto as_real(sqlite3_file* file, Call call) {
    const sqlite3_io_methods* const ours = file->pMethods;
    file->pMethods = methods_of(file);
    const auto answer = call(file->pMethods);
    file->pMethods = ours;
    return answer;
}

int close_file(sqlite3_file* file) {
    file->pMethods = methods_of(file);
    return file->pMethods->xClose(file);
}

int read_file(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
    return as_real(file, [=](auto* real_file) { return real_file->xRead(file, to, size, at); });
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
    if (const int code = disk->write_code; code != SQLITE_OK) {
        return code;
    }
    return as_real(file, [=](auto* real_file) { return real_file->xWrite(file, from, size, at); });
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    return as_real(file, [=](auto* real_file) { return real_file->xTruncate(file, size); });
}

int sync_file(sqlite3_file* file, int flags) {
    ++disk->syncs;
    // Blocks the worker until the test clears the flag.
    disk->syncs_hang.wait(true);
    if (disk->sync_to_fail > 0 && --disk->sync_to_fail == 0) {
        return SQLITE_IOERR_FSYNC;
    }
    return as_real(file, [=](auto* real_file) { return real_file->xSync(file, flags); });
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
    return as_real(file, [=](auto* real_file) { return real_file->xFileSize(file, size); });
}

int lock_file(sqlite3_file* file, int level) {
    return as_real(file, [=](auto* real_file) { return real_file->xLock(file, level); });
}

int unlock_file(sqlite3_file* file, int level) {
    return as_real(file, [=](auto* real_file) { return real_file->xUnlock(file, level); });
}

int check_lock(sqlite3_file* file, int* answer) {
    return as_real(file,
                   [=](auto* real_file) { return real_file->xCheckReservedLock(file, answer); });
}

int control_file(sqlite3_file* file, int what, void* argument) {
    return as_real(file,
                   [=](auto* real_file) { return real_file->xFileControl(file, what, argument); });
}

int sector_size(sqlite3_file* file) {
    return as_real(file, [=](auto* real_file) { return real_file->xSectorSize(file); });
}

int characteristics(sqlite3_file* file) {
    return as_real(file, [=](auto* real_file) { return real_file->xDeviceCharacteristics(file); });
}

// Version 1: without shared memory, which an exclusive lock does not need.
constexpr sqlite3_io_methods our_methods = {
    1,         close_file,  read_file,  write_file,   truncate_file, sync_file,       size_of_file,
    lock_file, unlock_file, check_lock, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,     nullptr,    nullptr,      nullptr,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    const int code = real->xOpen(real, name, file, flags, out);
    if (code == SQLITE_OK) {
        methods_of(file) = file->pMethods;
        file->pMethods = &our_methods;
    }
    return code;
}

} // namespace

failing_disk::failing_disk() {
    disk = this;
    real = sqlite3_vfs_find(nullptr);
    // A copy of the system's interface that differs in its files only.
    vfs_ = *real;
    vfs_.pNext = nullptr;
    vfs_.zName = "failing";
    vfs_.szOsFile = real->szOsFile + static_cast<int>(sizeof(void*));
    vfs_.xOpen = open_file;
    sqlite3_vfs_register(&vfs_, 1);
}

failing_disk::~failing_disk() {
    sqlite3_vfs_unregister(&vfs_);
    disk = nullptr;
}

} // namespace kallglot::test
