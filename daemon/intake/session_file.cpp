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

// Comparing an id costs a quarter of reading it.
constexpr std::size_t compared_per_read = 4;

} // namespace

session_file::session_file(std::string path) : path_(std::move(path)) {}

session_file::~session_file() = default;

file_state session_file::fail(std::string problem) {
    problem_ = std::move(problem);
    return file_state::failed;
}

file_state session_file::fail(int error) {
    if (error == ENOENT || error == ENOTDIR) {
        problem_.clear();
        return file_state::missing;
    }
    return fail(std::generic_category().message(error));
}

bool session_file::is_usable(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) {
        problem_ = "not a regular file";
    } else if (static_cast<std::size_t>(status.st_size) > size_limit) {
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
    // Asked before it is opened as well: opening a device can have consequences.
    if (!is_usable(status)) {
        return file_state::failed;
    }
    const bool whole_due = tell_all_ || (whole_at_ && *whole_at_ <= now);
    if (known_ && settled_ && !whole_due && same_content(status, status_)) {
        problem_.clear();
        return file_state::unchanged;
    }
    return open_to_read(now);
}

file_state session_file::open_to_read(steady_time now) {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return fail(errno);
    }
    auto next = std::make_unique<reading>(file);
    if (::fstat(file, &next->status) != 0) {
        return fail(errno);
    }
    if (!is_usable(next->status)) {
        return file_state::failed;
    }
    problem_.clear();
    const bool whole_due = tell_all_ || (whole_at_ && *whole_at_ <= now);
    if (!whole_due && only_grew(*next)) {
        next->whole = false;
        next->parser = parser_;
        next->position = end_;
        whole_at_ = whole_at_.value_or(now + whole_again);
    } else {
        whole_at_.reset();
        next->tell_all = std::exchange(tell_all_, false);
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
    if (!read.at_end && !read_ids(budget, departed, fresh)) {
        give_up();
        return slice_state::failed;
    }
    if (!read.at_end) {
        return slice_state::more;
    }
    if (read.whole && !depart(budget * compared_per_read, now, departed)) {
        return slice_state::more;
    }
    finish(now, departed);
    return slice_state::done;
}

// Up to a slice of bytes or `budget` ids. False if the file cannot be read.
bool session_file::read_ids(std::size_t& budget,
                            departed_ids& departed,
                            std::vector<session_id>& fresh) {
    reading& read = *reading_;
    const std::size_t start = read.position;
    while (budget > 0) {
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
    const bool was_known = contains(hash);
    const bool repeated = !(read.whole ? read.ids : ids_).insert(hash);
    if (repeated) {
        return;
    }
    const bool came_back = departed.erase(hash);
    if (read.tell_all || (!was_known && !came_back)) {
        fresh.push_back(id);
    }
}

// Compares the old ids with the new ones. False if the budget is used up before that is done.
bool session_file::depart(std::size_t budget, steady_time now, departed_ids& departed) {
    reading& read = *reading_;
    for (; read.departing < id_hashes::shard_count; ++read.departing, read.next_old.reset()) {
        const id_hashes::shard& old = ids_.at(read.departing);
        auto at = read.next_old.value_or(old.begin());
        for (; at != old.end(); ++at) {
            if (budget == 0) {
                read.next_old = at;
                return false;
            }
            --budget;
            if (!read.ids.contains(*at)) {
                departed.add(*at, now);
            }
        }
        ids_.drop(read.departing);
    }
    return true;
}

void session_file::finish(steady_time now, departed_ids& departed) {
    reading& read = *reading_;
    if (read.whole) {
        ids_ = std::move(read.ids);
    }
    // The file may have changed while it was read, and then the next look has to find a difference.
    struct stat after{};
    const bool steady = ::fstat(read.file, &after) == 0 && same_content(after, read.status)
                        && static_cast<std::size_t>(after.st_size) == read.position;
    settled_ = steady && !just_written(after);
    status_ = read.status;
    end_ = read.position;
    last_bytes_ = hash_of_last_bytes(read.file);
    parser_ = read.parser;
    known_ = true;
    read_at_ = now;
    tell_open_line_ = read.tell_all;
    note_bad_lines(read.whole);
    keep_open_line(now, departed);
    reading_.reset();
}

// An open line that was an id before and is one still need not wait until the file is quiet.
void session_file::keep_open_line(steady_time now, departed_ids& departed) {
    if (open_line_ && !ids_.contains(*open_line_)) {
        departed.add(*open_line_, now);
    }
    open_line_.reset();
    open_line_taken_ = !parser_.line_open();
    session_list_parser copy = parser_;
    std::vector<session_id> ids;
    copy.finish(ids);
    if (!ids.empty() && departed.erase(hash_of(ids.front().view()))) {
        open_line_ = hash_of(ids.front().view());
        open_line_taken_ = !tell_open_line_;
    }
}

// A file that is read whole once more has the same bad lines as before; only news are told.
void session_file::note_bad_lines(bool whole) {
    const bad_line_report report = parser_.take_report();
    const bool news = !whole || report.digest != told_bad_lines_;
    told_bad_lines_ = whole ? report.digest : told_bad_lines_ + report.digest;
    bad_lines_ = news ? report : bad_line_report();
}

std::uint64_t session_file::hash_of_last_bytes(int file) const {
    std::array<char, compared_bytes> bytes{};
    const std::size_t size = std::min(bytes.size(), end_);
    const ssize_t got = read_at(file, bytes.data(), size, end_ - size);
    return hash_of(std::string_view(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
}

// What was told must stay known, so that it can depart one day.
void session_file::give_up() {
    for (std::size_t index = 0; index < id_hashes::shard_count; ++index) {
        for (const std::uint64_t hash : reading_->ids.at(index)) {
            ids_.insert(hash);
        }
    }
    tell_all_ = tell_all_ || reading_->tell_all;
    known_ = false;
    reading_.reset();
}

void session_file::take_open_line(steady_time now,
                                  departed_ids& departed,
                                  std::vector<session_id>& fresh) {
    if (open_line_taken_ || now - read_at_ < quiet) {
        return;
    }
    open_line_taken_ = true;
    // In a copy, since the line may still grow.
    session_list_parser copy = parser_;
    std::vector<session_id> ids;
    copy.finish(ids);
    for (const session_id& id : ids) {
        const std::uint64_t hash = hash_of(id.view());
        const bool known = ids_.contains(hash);
        open_line_ = hash;
        const bool came_back = departed.erase(hash);
        if (tell_open_line_ || (!came_back && !known)) {
            fresh.push_back(id);
        }
    }
    const bad_line_report report = copy.take_report();
    if (report.digest != told_bad_open_line_) {
        bad_lines_ = report;
    }
    told_bad_open_line_ = report.digest;
}

bad_line_report session_file::take_bad_lines() noexcept {
    return std::exchange(bad_lines_, bad_line_report());
}

std::optional<steady_time> session_file::look_again() const {
    std::optional<steady_time> when = whole_at_;
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
        open_line_.reset();
    }
    known_ = false;
    whole_at_.reset();
    return ids;
}

} // namespace kallglot
