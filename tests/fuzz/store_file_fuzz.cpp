// The file of the store: opened, checked, repaired if necessary, and read completely, as at a start.

#include "store/sqlite/sqlite_engine.hpp"

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace kallglot;

/// A folder in memory, removed with the process.
class folder {
public:
    folder() : path_("/dev/shm/kallglot_store_fuzz_" + std::to_string(::getpid())) {
        std::filesystem::create_directory(path_);
    }

    ~folder() { std::filesystem::remove_all(path_); }

    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;

    void empty() const {
        for (const auto& entry : std::filesystem::directory_iterator(path_)) {
            std::filesystem::remove(entry);
        }
    }

    [[nodiscard]] std::string file() const { return path_ + "/sessions.db"; }

private:
    std::string path_;
};

void read_all(sqlite_engine& engine) {
    std::string after;
    for (;;) {
        std::vector<stored_session> rows;
        if (engine.read(after, 100, rows) || rows.empty()) {
            break;
        }
        if (rows.back().id.view() <= after) {
            std::abort();
        }
        after = rows.back().id.view();
    }
    std::vector<remembered_row> keys;
    static_cast<void>(engine.read_keys(keys));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const folder home;
    home.empty();
    std::ofstream(home.file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    const api_time wall{seconds(1'776'159'394)};
    const steady_time now{seconds(1000)};
    sqlite_engine engine(home.file());
    const store_opening opening = engine.open(wall, now);
    if (!opening.fault) {
        read_all(engine);
        static_cast<void>(engine.close(time_mark{}));
        // A damaged file must be preserved beside the repaired one.
        if (opening.damage && !std::filesystem::exists(opening.damage->kept_as)) {
            std::abort();
        }
    } else if (opening.fault.text.empty()) {
        std::abort();
    }
    return 0;
}
