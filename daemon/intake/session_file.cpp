#include "intake/session_file.hpp"

#include "intake/regular_file.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace kallglot {

namespace {

// A comparison of an id costs a quarter of reading one, so a slice can do four times as many.
constexpr std::size_t compared_per_slice = 4 * session_file_reading::batch_size;

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

file_state session_file::compare(const file_look& found, steady_time now) {
    if (found.error != 0) {
        return fail(found.error);
    }
    // Opening a device can have side effects.
    if (!is_usable(found.status)) {
        return file_state::failed;
    }
    const bool full_read_due = report_all_ || (full_read_at_ && *full_read_at_ <= now);
    // Only a settled file can be skipped by its status: within the grain of the stamps a change leaves no
    // trace.
    if (last_ && last_->settled && !full_read_due && same_content(found.status, last_->status)) {
        problem_.clear();
        return file_state::unchanged;
    }
    return file_state::readable;
}

file_state session_file::begin(std::shared_ptr<session_file_reading> opened, steady_time now) {
    if (opened->error() != 0) {
        return fail(opened->error());
    }
    if (!opened->problem().empty()) {
        return fail(opened->problem());
    }
    // The path may have been replaced between the look and the opening; only the descriptor is certain.
    if (!is_usable(opened->status())) {
        return file_state::failed;
    }
    problem_.clear();
    const bool full_read_due = report_all_ || (full_read_at_ && *full_read_at_ <= now);
    // Appending is the common case: read on from the old end, with the parser state of that moment.
    if (!full_read_due && only_grew(*opened)) {
        opened->read_on_from(last_->end, last_->parser);
        // Only 64 bytes prove that the file grew. A full reading a minute later finds changes further up.
        full_read_at_ = full_read_at_.value_or(now + full_read_after);
    } else {
        // A full reading replaces the set of ids, and satisfies a request to report all of them.
        full_read_at_.reset();
        opened->report_all = std::exchange(report_all_, false);
    }
    reading_ = std::move(opened);
    return file_state::readable;
}

bool session_file::only_grew(const session_file_reading& next) const {
    return last_ && same_file(next.status(), last_->status)
           && static_cast<std::size_t>(next.status().st_size) > last_->end
           // A program may also rewrite the file in place and make it longer. Then the bytes before the old end
           // differ.
           && next.last_bytes() == last_->last_bytes;
}

slice_state session_file::take_slice(steady_time now,
                                     departures& departed,
                                     std::vector<session_id>& fresh) {
    session_file_reading& read = *reading_;
    // A whole file in another encoding has no lines. It is not read as an empty one.
    if (read.parser().is_utf16()) {
        problem_ = "it is UTF-16 text: save it as UTF-8";
        give_up();
        return slice_state::failed;
    }
    // First phase: new ids. They are reported slice by slice, so that polling starts before the file ends.
    for (const session_id& id : read.batch()) {
        take(hash_of(id.view()), id, departed, fresh);
    }
    if (read.error() != 0) {
        problem_ = read.problem();
        give_up();
        return slice_state::failed;
    }
    if (!read.at_end()) {
        return slice_state::more;
    }
    read.forget_batch();
    // Second phase, after a full reading: find the old ids that are gone.
    if (read.whole && !depart(compared_per_slice, now, departed)) {
        return slice_state::more;
    }
    finish(now, departed);
    return slice_state::done;
}

void session_file::take(std::uint64_t hash,
                        const session_id& id,
                        departures& departed,
                        std::vector<session_id>& fresh) {
    session_file_reading& read = *reading_;
    // Ask before the insertion: in a reading that continues, both use the same set.
    const bool was_known = contains(hash);
    // A reading that continues adds to the known set. A full one builds a new set beside it, so that what is missing
    // shows.
    const bool repeated = !(read.whole ? read.ids : ids_).insert(hash);
    if (repeated) {
        return;
    }
    // An id that was about to be removed is still tracked: it is back, not new.
    const bool came_back = departed.erase(hash);
    // report_all: the listener had no room for some ids and does not say for which.
    if (read.report_all || (!was_known && !came_back)) {
        fresh.push_back(id);
    }
}

// Compares the old ids with the new ones and lets the missing ones depart. False if the budget ends first.
bool session_file::depart(std::size_t budget, steady_time now, departures& departed) {
    session_file_reading& read = *reading_;
    // An emptied file is more often a mistake of a script than an intention, so its ids get the longer grace.
    lost_all_ = read.ids.empty() && !ids_.empty();
    if (lost_all_) {
        departed.files.add_all(std::exchange(ids_, id_hashes()), now, path_);
        return true;
    }
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
                departed.lines.add(*at, now);
            }
        }
        // The shard is done: free its memory now, or both sets would exist in full at the end.
        ids_.drop(read.departing);
    }
    return true;
}

void session_file::finish(steady_time now, departures& departed) {
    session_file_reading& read = *reading_;
    if (read.whole) {
        // The shards of the old set are empty by now; the new one takes over.
        ids_ = std::move(read.ids);
    } else {
        lost_all_ = false;
    }
    // `now` is also the start of the quiet time after which an open line counts.
    last_ = last_reading{read.status(),
                         read.position(),
                         read.last_bytes(),
                         read.parser(),
                         read.settled(),
                         now};
    report_open_line_ = read.report_all;
    note_bad_lines(read.whole);
    keep_open_line(now, departed);
    reading_.reset();
}

// An open line that was an id before and is the same id now counts at once. It does not wait until the file is quiet.
void session_file::keep_open_line(steady_time now, departures& departed) {
    if (open_line_ && !ids_.contains(*open_line_)) {
        departed.lines.add(*open_line_, now);
    }
    open_line_.reset();
    // By default an open line waits until the file was quiet; it may be half written.
    open_line_taken_ = !last_->parser.line_open();
    session_list_parser copy = last_->parser;
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
    const bad_line_report report = last_->parser.take_report();
    const bool news = !whole || report.digest != reported_bad_lines_;
    reported_bad_lines_ = whole ? report.digest : reported_bad_lines_ + report.digest;
    bad_lines_ = news ? report : bad_line_report();
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
    // It no longer describes the ids, so the next look reads the whole file.
    last_.reset();
    reading_.reset();
}

void session_file::take_open_line(steady_time now,
                                  departures& departed,
                                  std::vector<session_id>& fresh) {
    if (open_line_taken_ || !last_ || now - last_->at < quiet) {
        return;
    }
    // Once for each reading, whether or not the line is an id.
    open_line_taken_ = true;
    // Finish the line in a copy, because it may still grow.
    session_list_parser copy = last_->parser;
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
    if (last_ && (!last_->settled || !open_line_taken_)) {
        when = last_->at + quiet;
    }
    return when;
}

bool session_file::contains(std::uint64_t hash) const {
    // Also what a reading in progress has reported: it may take long.
    return ids_.contains(hash) || open_line_ == hash || (reading_ && reading_->ids.contains(hash));
}

id_hashes session_file::take_ids() {
    // What a reading in progress has reported leaves as well.
    if (reading_) {
        give_up();
    }
    id_hashes ids = std::move(ids_);
    ids_ = id_hashes();
    if (open_line_) {
        ids.insert(*open_line_);
        // The open line left the file together with the complete ones.
        open_line_.reset();
    }
    last_.reset();
    full_read_at_.reset();
    return ids;
}

} // namespace kallglot
