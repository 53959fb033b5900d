#include "intake/session_file.hpp"

#include "intake/regular_file.hpp"
#include "intake/session_file_reading.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace kallglot {

namespace {

constexpr std::size_t compared_bytes = 64;

// A comparison of an id costs a quarter of reading one, so a slice can do four times as many.
constexpr std::size_t compared_per_read = 4;

} // namespace

session_file::session_file(std::string path) : path_(std::move(path)) {}

session_file::~session_file() = default;

file_state session_file::fail(std::string problem) {
    problem_ = std::move(problem);
    return file_state::failed;
}

file_state session_file::fail(int error) {
    // A missing file is not a fault: it may come back, or never have existed.
    if (error == ENOENT || error == ENOTDIR) {
        problem_.clear();
        return file_state::missing;
    }
    return fail(std::generic_category().message(error));
}

bool session_file::is_usable(const struct stat& status) {
    // A pipe or a device would block the loop or never end.
    if (!S_ISREG(status.st_mode)) {
        problem_ = "not a regular file";
    } else if (static_cast<std::size_t>(status.st_size) > max_size_bytes) {
        problem_ = "exceeds 128 MiB";
    } else {
        return true;
    }
    return false;
}

file_state session_file::look(steady_time now) {
    struct stat status{};
    if (::stat(path_.c_str(), &status) != 0) {
        return fail(errno);
    }
    // Check the kind before open() as well as after it: opening a device can have side effects.
    if (!is_usable(status)) {
        return file_state::failed;
    }
    const bool full_read_due = report_all_ || (full_read_at_ && *full_read_at_ <= now);
    // Only a settled file can be skipped by its status: within the grain of the stamps a change leaves no
    // trace.
    if (known_ && settled_ && !full_read_due && same_content(status, status_)) {
        problem_.clear();
        return file_state::unchanged;
    }
    return open_to_read(now);
}

file_state session_file::open_to_read(steady_time now) {
    // O_NONBLOCK: the path may have become a pipe since stat(), and opening one would wait for a writer.
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return fail(errno);
    }
    auto next = std::make_unique<reading>(file);
    if (::fstat(file, &next->status) != 0) {
        return fail(errno);
    }
    // The path may have been replaced between stat() and open(); only the descriptor is certain.
    if (!is_usable(next->status)) {
        return file_state::failed;
    }
    problem_.clear();
    const bool full_read_due = report_all_ || (full_read_at_ && *full_read_at_ <= now);
    // Appending is the common case: read on from the old end, with the parser state of that moment.
    if (!full_read_due && only_grew(*next)) {
        next->whole = false;
        next->parser = parser_;
        next->position = end_;
        // Only 64 bytes prove that the file grew. A full reading a minute later finds changes further up.
        full_read_at_ = full_read_at_.value_or(now + full_read_after);
    } else {
        // A full reading replaces the set of ids, and satisfies a request to report all of them.
        full_read_at_.reset();
        next->report_all = std::exchange(report_all_, false);
    }
    reading_ = std::move(next);
    return file_state::readable;
}

bool session_file::only_grew(const reading& next) const {
    if (!known_ || !same_file(next.status, status_)
        || static_cast<std::size_t>(next.status.st_size) <= end_) {
        return false;
    }
    return hash_of_last_bytes(next.file) == last_bytes_;
}

slice_state session_file::read_slice(steady_time now,
                                     departed_ids& departed,
                                     std::vector<session_id>& fresh) {
    reading& read = *reading_;
    std::size_t budget = batch_size;
    // First phase: read new ids. They are reported slice by slice, so that polling starts before the file ends.
    if (!read.at_end && !read_ids(budget, departed, fresh)) {
        give_up();
        return slice_state::failed;
    }
    if (!read.at_end) {
        return slice_state::more;
    }
    // Second phase, after a full reading: find the old ids that are gone. It shares the budget of the slice.
    if (read.whole && !depart(budget * compared_per_read, now, departed)) {
        return slice_state::more;
    }
    finish(now, departed);
    return slice_state::done;
}

// Reads up to one slice of bytes or `budget` ids. False if the file is not readable.
bool session_file::read_ids(std::size_t& budget,
                            departed_ids& departed,
                            std::vector<session_id>& fresh) {
    reading& read = *reading_;
    // The slice ends by bytes too: comments and bad lines use none of the budget of ids.
    const std::size_t start = read.position;
    while (budget > 0) {
        // The buffer is used up: end the slice, or read the next piece.
        if (read.used == read.buffer.size()) {
            if (read.position - start >= slice_bytes) {
                return true;
            }
            if (const int error = read.refill(); error != 0) {
                problem_ = std::generic_category().message(error);
                return false;
            }
            if (read.at_end) {
                return true;
            }
        }
        // The parser stops at the budget, so the rest of the buffer stays for the next slice.
        read.batch.clear();
        const std::string_view rest(read.buffer.data() + read.used, read.buffer.size() - read.used);
        read.used += read.parser.write(rest, read.batch, budget);
        for (const session_id& id : read.batch) {
            take(hash_of(id.view()), id, departed, fresh);
        }
        budget -= read.batch.size();
    }
    return true;
}

void session_file::take(std::uint64_t hash,
                        const session_id& id,
                        departed_ids& departed,
                        std::vector<session_id>& fresh) {
    reading& read = *reading_;
    // Ask before the insertion: in a reading that continues, both use the same set.
    const bool was_known = contains(hash);
    const bool repeated = !(read.whole ? read.ids : ids_).insert(hash);
    if (repeated) {
        return;
    }
    // An id that was about to be removed is still tracked: it is back, not new.
    const bool came_back = departed.erase(hash);
    if (read.report_all || (!was_known && !came_back)) {
        fresh.push_back(id);
    }
}

// Compares the old ids with the new ones and lets the missing ones depart. False if the budget ends first.
bool session_file::depart(std::size_t budget, steady_time now, departed_ids& departed) {
    reading& read = *reading_;
    for (; read.departing < id_hashes::shard_count; ++read.departing, read.next_old.reset()) {
        const id_hashes::shard& old = ids_.at(read.departing);
        // Continue in the shard where the last slice stopped.
        auto at = read.next_old.value_or(old.begin());
        for (; at != old.end(); ++at) {
            // Remember the place; a set that is only read keeps its iterators valid.
            if (budget == 0) {
                read.next_old = at;
                return false;
            }
            --budget;
            if (!read.ids.contains(*at)) {
                departed.add(*at, now);
            }
        }
        // The shard is done: free its memory now, or both sets would exist in full at the end.
        ids_.drop(read.departing);
    }
    return true;
}

void session_file::finish(steady_time now, departed_ids& departed) {
    reading& read = *reading_;
    if (read.whole) {
        // The shards of the old set are empty by now; the new one takes over.
        ids_ = std::move(read.ids);
    }
    // The file may have changed during the reading. Then the next look must find a difference and read again.
    struct stat after{};
    const bool steady = ::fstat(read.file, &after) == 0 && same_content(after, read.status)
                        && static_cast<std::size_t>(after.st_size) == read.position;
    // A write within the grain of the stamps can still come without a new stamp: such a file is read again
    // soon.
    settled_ = steady && !just_written(after);
    // What the next look compares with: status, end and last bytes of what was read.
    status_ = read.status;
    end_ = read.position;
    last_bytes_ = hash_of_last_bytes(read.file);
    parser_ = read.parser;
    known_ = true;
    // Start of the quiet time after which an open line counts.
    read_at_ = now;
    report_open_line_ = read.report_all;
    note_bad_lines(read.whole);
    keep_open_line(now, departed);
    reading_.reset();
}

// An open line that was an id before and is the same id now counts at once. It does not wait until the file is quiet.
void session_file::keep_open_line(steady_time now, departed_ids& departed) {
    if (open_line_ && !ids_.contains(*open_line_)) {
        departed.add(*open_line_, now);
    }
    open_line_.reset();
    // By default an open line waits until the file was quiet; it may be half written.
    open_line_taken_ = !parser_.line_open();
    session_list_parser copy = parser_;
    std::vector<session_id> ids;
    copy.finish(ids);
    // The same id again: it is not lost, only its line moved or was written again.
    if (!ids.empty() && departed.erase(hash_of(ids.front().view()))) {
        open_line_ = hash_of(ids.front().view());
        open_line_taken_ = !report_open_line_;
    }
}

// A full reading finds the same bad lines again. They are reported only if they differ from those reported before.
void session_file::note_bad_lines(bool whole) {
    // The digest adds up over appended parts, so a later full reading gives the same sum.
    const bad_line_report report = parser_.take_report();
    const bool news = !whole || report.digest != reported_bad_lines_;
    reported_bad_lines_ = whole ? report.digest : reported_bad_lines_ + report.digest;
    bad_lines_ = news ? report : bad_line_report();
}

std::uint64_t session_file::hash_of_last_bytes(int file) const {
    std::array<char, compared_bytes> bytes{};
    // A shorter file is compared as a whole.
    const std::size_t size = std::min(bytes.size(), end_);
    // A read error gives the hash of nothing; then the file counts as changed and is read whole.
    const ssize_t got = read_at(file, bytes.data(), size, end_ - size);
    return hash_of(std::string_view(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
}

// The reading failed half way. Ids that were reported as added must stay known, so that they can depart later.
void session_file::give_up() {
    for (std::size_t index = 0; index < id_hashes::shard_count; ++index) {
        for (const std::uint64_t hash : reading_->ids.at(index)) {
            // Both the old ids and the new ones are known now; the next full reading lets the missing ones
            // depart.
            ids_.insert(hash);
        }
    }
    // The reading did not report everything: the next one still has to.
    report_all_ = report_all_ || reading_->report_all;
    // The stored status no longer describes the ids, so the next look reads the whole file.
    known_ = false;
    reading_.reset();
}

void session_file::take_open_line(steady_time now,
                                  departed_ids& departed,
                                  std::vector<session_id>& fresh) {
    if (open_line_taken_ || now - read_at_ < quiet) {
        return;
    }
    // Once for each reading, whether or not the line is an id.
    open_line_taken_ = true;
    // Finish the line in a copy, because it may still grow.
    session_list_parser copy = parser_;
    std::vector<session_id> ids;
    copy.finish(ids);
    for (const session_id& id : ids) {
        const std::uint64_t hash = hash_of(id.view());
        // The id may also have a complete line further up; then it is not new.
        const bool known = ids_.contains(hash);
        open_line_ = hash;
        const bool came_back = departed.erase(hash);
        if (report_open_line_ || (!came_back && !known)) {
            fresh.push_back(id);
        }
    }
    const bad_line_report report = copy.take_report();
    // The same bad end of the file is reported once, not at each reading.
    if (report.digest != reported_bad_open_line_) {
        bad_lines_ = report;
    }
    reported_bad_open_line_ = report.digest;
}

bad_line_report session_file::take_bad_lines() noexcept {
    return std::exchange(bad_lines_, bad_line_report());
}

std::optional<steady_time> session_file::look_again() const {
    std::optional<steady_time> when = full_read_at_;
    // Both questions are answered once the file was quiet for a moment.
    if (known_ && (!settled_ || !open_line_taken_)) {
        when = read_at_ + quiet;
    }
    return when;
}

bool session_file::contains(std::uint64_t hash) const {
    return ids_.contains(hash) || open_line_ == hash;
}

id_hashes session_file::take_ids() {
    id_hashes ids = std::move(ids_);
    ids_ = id_hashes();
    if (open_line_) {
        ids.insert(*open_line_);
        // The open line left the file together with the complete ones.
        open_line_.reset();
    }
    known_ = false;
    full_read_at_.reset();
    return ids;
}

} // namespace kallglot
