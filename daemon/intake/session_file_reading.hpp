/// The state of session_file that exists only while it reads, so that files at rest stay small.

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

/// A reading under way: a file that is open, what of it was read, and what the reading has found so far.
struct session_file::reading {
    explicit reading(int descriptor) : file(descriptor) {}

    ~reading() { ::close(file); }

    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;

    // The next bytes, up to the size that the file had when it was opened: what came later is read later. Returns 0
    // or errno.
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
    bool tell_all = false;
    session_list_parser parser;
    std::size_t position = 0; // in the file, behind the buffer
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
