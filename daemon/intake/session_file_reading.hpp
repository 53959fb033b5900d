/// State of a session_file during a reading; allocated only then, so that files at rest stay small.

#ifndef KALLGLOT_INTAKE_SESSION_FILE_READING_HPP
#define KALLGLOT_INTAKE_SESSION_FILE_READING_HPP

#include "intake/regular_file.hpp"
#include "intake/session_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <vector>

namespace kallglot {

/// A reading in progress: the open file, the position in it, and the ids found so far.
struct session_file::reading {
    explicit reading(int descriptor) : file(descriptor) {}

    ~reading() { ::close(file); }

    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;

    // Reads the next bytes, up to the file's size at open(); the next reading gets what is appended meanwhile. Returns
    // 0 or errno.
    [[nodiscard]] int refill() {
        const auto size = static_cast<std::size_t>(status.st_size);
        buffer.resize(size > position ? std::min(slice_bytes, size - position) : 0);
        used = 0;
        const ssize_t got =
            buffer.empty() ? 0 : read_at(file, buffer.data(), buffer.size(), position);
        if (got < 0) {
            return errno;
        }
        buffer.resize(static_cast<std::size_t>(got));
        position += static_cast<std::size_t>(got);
        at_end = got == 0;
        return 0;
    }

    int file;
    struct stat status{};
    bool whole = true;
    bool report_all = false;
    session_list_parser parser;
    std::size_t position = 0; // in the file, at the end of the buffer
    std::vector<char> buffer;
    std::size_t used = 0;      // of the buffer
    id_hashes ids;             // of a whole reading
    std::size_t departing = 0; // the shard of the old ids that is being compared
    std::optional<id_hashes::shard::const_iterator> next_old;
    bool at_end = false;
    std::vector<session_id> batch;
};

} // namespace kallglot

#endif
