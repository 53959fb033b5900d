#include "kallglot/intake/file_watch.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

// Number of cheap steps after which the watch yields to the loop.
constexpr std::size_t steps_between_turns = 50'000;
constexpr std::size_t looks_between_turns = 64;
constexpr steady_duration busy_interval = std::chrono::seconds(1);

} // namespace

file_watch::file_watch(const loop_executor& executor,
                       clock& time,
                       logger& log,
                       file_watch_listener& listener)
    : executor_(executor),
      clock_(time),
      log_(log),
      listener_(listener),
      timer_(make_timer<&file_watch::wake>(time, *this)),
      wake_(executor, steady_timer::time_point::max()),
      events_(executor),
      tasks_(executor, [this](const std::string& name, const std::string& what) {
          log_.task_failed(name, what);
      }) {}

file_watch::~file_watch() = default;

void file_watch::start(std::vector<std::string> globs) {
    use_globs(std::move(globs));
    tasks_.spawn("file_watch", run());
}

void file_watch::use_globs(std::vector<std::string> globs) {
    globs_.clear();
    for (const std::string& glob : globs) {
        // One spelling for each path: files_ must not hold a file twice.
        globs_.push_back(normal_glob(glob));
    }
    // Files that match at the next look are first readings: their lines may be old.
    globs_are_new_ = true;
    look_by(clock_.now());
    wake();
}

// Each task waits for one of three things: the timer, the folders, or a turn of the loop. stop() ends the first two and
// the third ends by itself, so no task needs cancellation.
void file_watch::stop() {
    stopping_ = true;
    // From here on no task can start; join() waits for those that run.
    tasks_.close();
    timer_->cancel();
    wake();
    // Ends the wait for folder events with errc::cancelled.
    events_.close();
}

// Looks at all files whenever a look is due, until stop().
task<> file_watch::run() {
    while (!stopping_) {
        if (clock_.now() >= next_look()) {
            co_await look_at_everything();
        } else {
            // wake() ends this wait early: after a change, for other globs, or to stop.
            timer_->wake_at(next_look());
            co_await wake_.async_wait(as_tuple);
        }
    }
}

task<> file_watch::follow_folders() {
    while (!stopping_) {
        const error_code failed = co_await events_.wait();
        if (failed) {
            // Without events the watch still works, by the regular looks; the next of them opens inotify again.
            if (failed != errc::cancelled) {
                log_.folders("inotify failed: " + failed.message());
                events_.close();
            }
            co_return;
        }
        // Do not read yet: a program that writes a list causes many events. The look follows after a short
        // quiet time.
        changes_.changed(clock_.now());
        wake();
    }
}

task<> file_watch::look_at_everything() {
    // This look covers all changes so far. A change during the look causes another one.
    changes_.clear();
    next_look_ = clock_.now() + look_interval;
    // The order matters: folders are watched before they are listed, and listed before the files are read.
    open_events();
    list_files();
    // The listener rejected ids for lack of room and has room now. The watch stores hashes only, so it reads
    // again.
    if (listener_.wants_all_again()) {
        for (auto& [path, one] : files_) {
            one.file.report_all_again();
        }
    }

    // Only this coroutine adds and removes files, so the iterator stays valid across the wait.
    std::size_t looks = 0;
    for (auto at = files_.begin(); at != files_.end() && !stopping_; ++at) {
        co_await look_at(&at->second);
        if (++looks % looks_between_turns == 0) {
            co_await asio::post(executor_, throwing);
        }
    }
    // Removals come last: an id that moved from one file to another has arrived by now.
    collect_leaving();
    co_await forget_leaving();
}

// Without inotify the regular looks find all changes. Each of them retries to open it.
void file_watch::open_events() {
    if (events_.is_open() || globs_.empty()) {
        return;
    }
    const error_code failed = events_.open();
    if (!failed) {
        tasks_.spawn("folder_events", follow_folders());
    }
}

// Watches the folders first and lists them again afterwards: a file that appears in between is not missed.
void file_watch::list_files() {
    // A file that matches the globs still belongs to them when it is missing; only other globs can drop it.
    if (globs_are_new_) {
        drop_files_without_glob();
    }
    glob_matches matches = expand_globs(globs_, max_files);
    watched_folders folders = events_.use_folders(matches.folders);
    // Bounded: a program that keeps replacing folders must not hold the loop.
    for (int round = 0; folders.added && round < 4; ++round) {
        matches = expand_globs(globs_, max_files);
        folders = events_.use_folders(matches.folders);
    }
    log_.folders(matches, folders, globs_.empty() || events_.is_open());

    for (const std::string& path : matches.files) {
        files_.try_emplace(path, path);
    }
    globs_are_new_ = false;
}

void file_watch::drop_files_without_glob() {
    for (auto at = files_.begin(); at != files_.end();) {
        const bool still_matches =
            std::ranges::any_of(globs_, [&path = at->first](const std::string& glob) {
                return glob == path || glob_accepts(glob, path);
            });
        if (still_matches) {
            ++at;
            continue;
        }
        // The ids get the same grace period as removed lines: the next reload may bring the glob back.
        departed_.add_all(at->second.file.take_ids(), clock_.now());
        log_.forget(at->first);
        at = files_.erase(at);
    }
}

// Looks at a file that the globs do not list, too: an unreadable folder lists nothing although its files are there.
task<> file_watch::look_at(watched* one) {
    const steady_time now = clock_.now();
    file_state state = one->file.look(now);
    if (state == file_state::readable) {
        co_await read(one);
        co_return;
    }
    if (state == file_state::missing) {
        // The grace period begins: a program that replaces the file by renaming leaves a moment without it.
        one->missing_since = one->missing_since.value_or(now);
        look_by(*one->missing_since + departed_ids::grace);
        co_return;
    }
    // Any other answer proves that the file exists, so the grace period starts from the beginning next time.
    one->missing_since.reset();
    log_.file(one->file.path(), one->file.problem());
    // The ids stay known for as long as the file exists and is not readable.
    if (state == file_state::failed) {
        look_by(now + retry_interval);
        co_return;
    }
    std::vector<session_id> fresh;
    one->file.take_open_line(now, departed_, fresh);
    notify_added(fresh);
    report_bad_lines(*one);
    if (const auto again = one->file.look_again()) {
        look_by(*again);
    }
}

task<> file_watch::read(watched* one) {
    one->missing_since.reset();
    slice_state state = slice_state::more;
    std::vector<session_id> fresh;
    while (state == slice_state::more) {
        fresh.clear();
        state = one->file.read_slice(clock_.now(), departed_, fresh);
        notify_added(fresh);
        // A slice takes 1 to 2 ms. The loop serves requests and polls between slices.
        co_await asio::post(executor_, throwing);
        if (stopping_) {
            co_return;
        }
    }
    log_.file(one->file.path(), one->file.problem());
    if (state == slice_state::failed) {
        look_by(clock_.now() + retry_interval);
        co_return;
    }
    report_bad_lines(*one);
    if (const auto again = one->file.look_again()) {
        look_by(*again);
    }
}

// Collects what has been missing for the grace period: whole files and single ids.
void file_watch::collect_leaving() {
    const steady_time now = clock_.now();
    for (auto at = files_.begin(); at != files_.end();) {
        watched& one = at->second;
        const auto since = one.missing_since;
        // A file without ids has nothing to protect and goes at once.
        if (!since || (!one.file.empty() && now < *since + departed_ids::grace)) {
            ++at;
            continue;
        }
        leaving_.push_back(one.file.take_ids());
        log_.forget(at->first);
        at = files_.erase(at);
    }
    // Then the single ids whose grace period is over.
    while (std::optional<id_hashes> ids = departed_.take(now)) {
        leaving_.push_back(std::move(*ids));
    }
    if (const auto due = departed_.due()) {
        look_by(*due);
    }
}

// Notifies the listener of leaving ids that are in no other file. No file is read between that check and the call.
task<> file_watch::forget_leaving() {
    std::size_t steps = 0;
    while (take_leaving() && !stopping_) {
        if (removed_.empty() && !listener_.may_remove()) {
            // Removals can wait for the store. Additions must not, so the watch does not wait here.
            look_by(clock_.now() + busy_interval);
            co_return;
        }
        // Each id costs a look-up in every file, so the number of files counts as steps.
        while (!leaving_shard_.empty() && removed_.size() < max_removed
               && steps < steps_between_turns) {
            if (!is_in_a_file(leaving_shard_.back())) {
                removed_.push_back(leaving_shard_.back());
            }
            leaving_shard_.pop_back();
            steps += 1 + files_.size();
        }
        // A full batch goes out, and the listener is asked again before the next one.
        if (removed_.size() == max_removed) {
            notify_removed();
        }
        if (steps >= steps_between_turns) {
            steps = 0;
            co_await asio::post(executor_, throwing);
        }
    }
    notify_removed();
}

// Fills leaving_shard_ with the next shard of leaving ids; false if none is left.
bool file_watch::take_leaving() {
    while (leaving_shard_.empty() && !leaving_.empty()) {
        // The first set is done. Sets are freed one by one.
        if (next_shard_ == id_hashes::shard_count) {
            leaving_.pop_front();
            next_shard_ = 0;
            continue;
        }
        const auto& shard = leaving_.front().at(next_shard_++);
        leaving_shard_.assign(shard.begin(), shard.end());
    }
    return !leaving_shard_.empty();
}

bool file_watch::is_in_a_file(std::uint64_t hash) const {
    // An id that departed again later has a new grace period, so it is not removed now.
    return departed_.contains(hash) || std::ranges::any_of(files_, [hash](const auto& entry) {
               return entry.second.file.contains(hash);
           });
}

void file_watch::wake() {
    wake_.cancel();
}

void file_watch::look_by(steady_time when) {
    next_look_ = std::min(next_look_, when);
}

steady_time file_watch::next_look() const {
    return std::min(next_look_, changes_.due().value_or(next_look_));
}

void file_watch::notify_added(const std::vector<session_id>& fresh) {
    if (!fresh.empty() && !stopping_) {
        listener_.on_added(fresh);
    }
}

void file_watch::notify_removed() {
    if (!removed_.empty() && !stopping_) {
        // After stop() nothing is reported: the listener may be stopping too.
        listener_.on_removed(removed_);
        removed_.clear();
    }
}

void file_watch::report_bad_lines(watched& one) {
    const bad_line_report report = one.file.take_bad_lines();
    if (report.count > 0) {
        log_.bad_lines(one.file.path(), report);
        listener_.on_bad_lines(report.count);
    }
}

} // namespace kallglot
