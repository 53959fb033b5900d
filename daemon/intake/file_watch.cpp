#include "kallglot/intake/file_watch.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

// After that many cheap steps the loop gets a turn.
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
      timer_(time.make_timer([](void* self) { static_cast<file_watch*>(self)->wake(); }, this)),
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
        globs_.push_back(normal_glob(glob));
    }
    globs_are_new_ = true;
    look_by(clock_.now());
    wake();
}

// Each task waits for one of three things only: the timer, the folders, a turn of the loop. The first two are ended
// here and the third comes by itself, so nothing has to be cancelled.
void file_watch::stop() {
    stopping_ = true;
    tasks_.close();
    timer_->cancel();
    wake();
    events_.close();
}

// Looks at everything whenever it is time, until stop().
task<> file_watch::run() {
    while (!stopping_) {
        if (clock_.now() >= next_look()) {
            co_await look_at_everything();
        } else {
            timer_->wake_at(next_look());
            co_await wake_.async_wait(as_tuple);
        }
    }
}

task<> file_watch::follow_folders() {
    while (!stopping_) {
        const error_code failed = co_await events_.wait();
        if (failed) {
            if (failed != errc::cancelled) {
                log_.folders("inotify failed: " + failed.message());
                events_.close();
            }
            co_return;
        }
        changes_.changed(clock_.now());
        wake();
    }
}

task<> file_watch::look_at_everything() {
    changes_.clear();
    next_look_ = clock_.now() + look_interval;
    open_events();
    list_files();
    if (listener_.wants_all_again()) {
        for (auto& [path, one] : files_) {
            one.file.tell_again();
            one.first_reading = true;
        }
    }

    // Only this coroutine adds and removes files, so they stay where they are while it waits.
    std::size_t looks = 0;
    for (auto at = files_.begin(); at != files_.end() && !stopping_; ++at) {
        co_await look_at(&at->second);
        if (++looks % looks_between_turns == 0) {
            co_await asio::post(executor_, throwing);
        }
    }
    collect_leaving();
    co_await forget_leaving();
}

// Without inotify the regular looks have to do; it is tried again at each of them.
void file_watch::open_events() {
    if (events_.is_open() || globs_.empty()) {
        return;
    }
    const error_code failed = events_.open();
    if (!failed) {
        tasks_.spawn("folder_events", follow_folders());
    }
}

// Folders are watched before what is in them is believed, or a file could come in between.
void file_watch::list_files() {
    if (globs_are_new_) {
        drop_files_without_glob();
    }
    glob_matches matches = expand_globs(globs_, most_files);
    watched_folders folders = events_.use_folders(matches.folders);
    for (int round = 0; folders.added && round < 4; ++round) {
        matches = expand_globs(globs_, most_files);
        folders = events_.use_folders(matches.folders);
    }
    log_.folders(matches, folders, globs_.empty() || events_.is_open());

    for (const std::string& path : matches.files) {
        const auto [at, is_new] = files_.try_emplace(path, path);
        if (is_new) {
            at->second.first_reading = globs_are_new_;
        }
    }
    globs_are_new_ = false;
}

void file_watch::drop_files_without_glob() {
    for (auto at = files_.begin(); at != files_.end();) {
        const bool wanted =
            std::ranges::any_of(globs_, [&path = at->first](const std::string& glob) {
                return glob == path || glob_accepts(glob, path);
            });
        if (wanted) {
            ++at;
            continue;
        }
        departed_.add_all(at->second.file.take_ids(), clock_.now());
        log_.forget(at->first);
        at = files_.erase(at);
    }
}

// A file that the globs do not list is looked at too: that it is not listed does not say that it is gone.
task<> file_watch::look_at(watched* one) {
    const steady_time now = clock_.now();
    file_state state = one->file.look(now);
    if (state == file_state::readable) {
        co_await read(one);
        co_return;
    }
    if (state == file_state::missing) {
        one->missing_since = one->missing_since.value_or(now);
        look_by(*one->missing_since + departed_ids::grace);
        co_return;
    }
    one->missing_since.reset();
    log_.file(one->file.path(), one->file.problem());
    if (state == file_state::failed) {
        look_by(now + retry_interval);
        co_return;
    }
    std::vector<session_id> fresh;
    one->file.take_open_line(now, departed_, fresh);
    tell(fresh, one->first_open_line);
    tell_bad_lines(*one);
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
        tell(fresh, one->first_reading);
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
    tell_bad_lines(*one);
    one->first_open_line = std::exchange(one->first_reading, false);
    if (const auto again = one->file.look_again()) {
        look_by(*again);
    }
}

// Takes together what has been missing for long enough, whole files and single ids.
void file_watch::collect_leaving() {
    const steady_time now = clock_.now();
    for (auto at = files_.begin(); at != files_.end();) {
        watched& one = at->second;
        const auto since = one.missing_since;
        if (!since || (!one.file.empty() && now < *since + departed_ids::grace)) {
            ++at;
            continue;
        }
        leaving_.push_back(one.file.take_ids());
        log_.forget(at->first);
        at = files_.erase(at);
    }
    while (std::optional<id_hashes> ids = departed_.take(now)) {
        leaving_.push_back(std::move(*ids));
    }
    if (const auto due = departed_.due()) {
        look_by(*due);
    }
}

// Tells those of the leaving ids that stand nowhere else. Nothing is read between asking that and telling it.
task<> file_watch::forget_leaving() {
    std::size_t steps = 0;
    while (take_leaving() && !stopping_) {
        if (removed_.empty() && !listener_.may_remove()) {
            // What leaves can wait; what else the files say must not.
            look_by(clock_.now() + busy_interval);
            co_return;
        }
        while (!going_.empty() && removed_.size() < most_removed && steps < steps_between_turns) {
            if (!stands_somewhere(going_.back())) {
                removed_.push_back(going_.back());
            }
            going_.pop_back();
            steps += 1 + files_.size();
        }
        if (removed_.size() == most_removed) {
            tell_removed();
        }
        if (steps >= steps_between_turns) {
            steps = 0;
            co_await asio::post(executor_, throwing);
        }
    }
    tell_removed();
}

// Fills going_ with the next of what leaves; false: there is nothing.
bool file_watch::take_leaving() {
    while (going_.empty() && !leaving_.empty()) {
        if (next_shard_ == id_hashes::shard_count) {
            leaving_.pop_front();
            next_shard_ = 0;
            continue;
        }
        const auto& shard = leaving_.front().at(next_shard_++);
        going_.assign(shard.begin(), shard.end());
    }
    return !going_.empty();
}

bool file_watch::stands_somewhere(std::uint64_t hash) const {
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

void file_watch::tell(const std::vector<session_id>& fresh, bool first_reading) {
    if (!fresh.empty() && !stopping_) {
        listener_.on_added(fresh, first_reading);
    }
}

void file_watch::tell_removed() {
    if (!removed_.empty() && !stopping_) {
        listener_.on_removed(removed_);
        removed_.clear();
    }
}

void file_watch::tell_bad_lines(watched& one) {
    const bad_line_report report = one.file.take_bad_lines();
    if (report.count > 0) {
        log_.bad_lines(one.file.path(), report);
        listener_.on_bad_lines(report.count);
    }
}

} // namespace kallglot
