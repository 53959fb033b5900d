#include "kallglot/intake/file_watch.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace kallglot {

namespace {

// Number of cheap steps after which the watch yields to the loop.
constexpr std::size_t steps_between_turns = 50'000;
// Files of one call. A call costs the loop as much as some tens of looks.
constexpr std::size_t looks_a_call = 64;
constexpr steady_duration busy_interval = std::chrono::seconds(1);

} // namespace

file_watch::file_watch(const loop_executor& executor,
                       clock& time,
                       worker& files,
                       logger& log,
                       file_watch_listener& listener)
    : executor_(executor),
      clock_(time),
      worker_(files),
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
        globs_.push_back(std::make_shared<glob_listing>(normal_glob(glob)));
    }
    // Files that match at the next look are first readings: their lines may be old.
    globs_are_new_ = true;
    look_by(clock_.now());
    wake();
}

// The tasks wait for the timer, for the folders, for the worker, or for a turn of the loop. A call that hangs ends
// its task by the cancellation; the call itself continues and its result is not used.
void file_watch::stop() {
    stopping_ = true;
    // From here on no task can start; join() waits for those that run.
    tasks_.close();
    timer_->cancel();
    wake();
    // Ends the wait for folder events with errc::cancelled.
    events_.close();
    tasks_.cancel(asio::cancellation_type::terminal);
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
    open_events();
    // A file that matches the globs still belongs to them when it is missing; only other globs can drop it.
    if (std::exchange(globs_are_new_, false)) {
        drop_files_without_glob();
    }
    name_files_that_hang();
    // The order matters: secrets are known before any file is read, and folders are listed before that.
    if (!finds_secrets_ && may_call()) {
        const shared_job finding = begin_job();
        tasks_.spawn("secrets", find_secrets(finding));
        co_await wait_for(finding);
    }
    co_await list_files();
    // The listener rejected ids for lack of room and has room now. The watch stores hashes only, so it reads
    // again.
    if (!stopping_ && listener_.wants_all_again()) {
        for (auto& [path, one] : files_) {
            one->file.report_all_again();
        }
    }
    co_await look_at_files();
    keep_watches();
    // Removals come last: an id that moved from one file to another has arrived by now.
    collect_leaving();
    co_await forget_leaving();
}

// Jobs ----------------------------------------------------------------------------------------------------------------

file_watch::shared_job file_watch::begin_job() {
    ++calls_;
    return std::make_shared<job>();
}

void file_watch::end_job(job& mine) {
    --calls_;
    mine.done = true;
    // The look that began it has ended without it.
    if (mine.is_late) {
        look_by(clock_.now());
    }
    wake();
}

// Ends with the job, or when it takes longer than the watch can wait for one.
task<> file_watch::wait_for(shared_job one) {
    const steady_time until = clock_.now() + patience;
    while (!one->done && !stopping_ && clock_.now() < until) {
        timer_->wake_at(until);
        co_await wake_.async_wait(as_tuple);
    }
    one->is_late = !one->done;
}

// One call for one file. Errors: cancelled, also if the file is of no interest any more.
task<error_code> file_watch::call(shared_file one, std::function<void()> work) {
    one->call_since = clock_.now();
    std::function<result<bool>()> whole = [work = std::move(work)]() -> result<bool> {
        work();
        return true;
    };
    const result<bool> ended = co_await worker_.run<bool>(std::move(whole));
    one->call_since.reset();
    co_return ended && !stopping_ && !one->is_dropped ? error_code() : error_code(errc::cancelled);
}

void file_watch::name_files_that_hang() {
    const steady_time now = clock_.now();
    for (const auto& [path, one] : files_) {
        if (one->call_since && now - *one->call_since >= patience) {
            log_.file(path, "its file system does not answer");
        } else if (one->call_since) {
            look_by(*one->call_since + patience);
        }
    }
}

// Secrets -------------------------------------------------------------------------------------------------------------

task<> file_watch::find_secrets(shared_job mine) {
    finds_secrets_ = true;
    using identities = std::shared_ptr<const secret_identities>;
    std::function<result<identities>()> work = [paths = secret_paths_,
                                                known = secrets_]() -> result<identities> {
        return std::make_shared<const secret_identities>(kallglot::find_secrets(paths, *known));
    };
    const result<identities> found = co_await worker_.run<identities>(std::move(work));
    if (found) {
        secrets_ = *found;
    }
    finds_secrets_ = false;
    end_job(*mine);
}

// Folders -------------------------------------------------------------------------------------------------------------

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

// All globs at once: one that hangs holds up no other.
task<> file_watch::list_files() {
    std::vector<shared_job> jobs;
    // A copy: use_globs() may replace the list during a wait.
    const std::vector<shared_listing> globs = globs_;
    for (const shared_listing& one : globs) {
        if (!may_call()) {
            const std::vector<shared_job> begun = std::exchange(jobs, {});
            for (const shared_job& before : begun) {
                co_await wait_for(before);
            }
        }
        if (!one->is_busy && may_call() && !stopping_) {
            jobs.push_back(begin_job());
            one->is_busy = true;
            tasks_.spawn("listing", list(one, jobs.back()));
        }
    }
    for (const shared_job& one : jobs) {
        co_await wait_for(one);
    }
    for (const shared_listing& one : globs) {
        // A file that is known gets a warning of its own.
        if (one->is_busy && !stopping_ && !files_.contains(one->glob)) {
            log_.folders("file system of " + one->glob + " does not answer");
            co_return;
        }
    }
    std::string problem = problem_of(globs_, max_files);
    if (problem.empty() && !globs_.empty() && !events_.is_open()) {
        problem = "inotify unavailable: checking files once a minute";
    }
    log_.folders(std::move(problem));
}

task<> file_watch::list(shared_listing one, shared_job mine) {
    const auto found = std::make_shared<glob_listing>(one->glob);
    std::function<result<bool>()> work = [found,
                                          watches = events_.begin_watches()]() -> result<bool> {
        found->list(watches);
        return true;
    };
    const result<bool> ended = co_await worker_.run<bool>(std::move(work));
    one->is_busy = false;
    // Other globs may be in use by now.
    if (ended && std::ranges::find(globs_, one) != globs_.end()) {
        one->matches = std::move(found->matches);
        one->watches = std::move(found->watches);
        use_listing(*one);
    }
    end_job(*mine);
}

void file_watch::use_listing(glob_listing& one) {
    // Once: a folder whose files come and go is not a mistake.
    if (one.matches.files.empty() && !one.was_listed) {
        log_.unmatched(one.glob, why_unmatched(one.glob));
    }
    one.was_listed = true;
    for (const std::string& path : one.matches.files) {
        if (files_.size() < max_files && !files_.contains(path)) {
            files_.emplace(path, std::make_shared<watched>(path));
        }
    }
}

// Ends the watches of folders that nothing needs any more.
void file_watch::keep_watches() {
    // A call may have begun watches that its result will name.
    if (calls_ != 0) {
        return;
    }
    std::set<int> all;
    for (const shared_listing& one : globs_) {
        all.insert(one->watches.numbers().begin(), one->watches.numbers().end());
    }
    for (const auto& [path, one] : files_) {
        all.insert(one->target_watches.begin(), one->target_watches.end());
    }
    events_.keep(all);
}

void file_watch::drop_files_without_glob() {
    for (auto at = files_.begin(); at != files_.end();) {
        const bool still_matches =
            std::ranges::any_of(globs_, [&path = at->first](const shared_listing& one) {
                return one->glob == path || glob_accepts(one->glob, path);
            });
        if (still_matches) {
            ++at;
            continue;
        }
        // The ids get the same grace period as removed lines: the next reload may bring the glob back.
        departed_.lines.add_all(at->second->file.take_ids(), clock_.now());
        at->second->is_dropped = true;
        log_.forget(at->first);
        at = files_.erase(at);
    }
}

// Files ---------------------------------------------------------------------------------------------------------------

// Also files that the globs do not list: an unreadable folder lists nothing although they are there.
std::deque<file_watch::shared_file> file_watch::files_to_look_at() {
    std::set<dev_t> silent;
    for (const auto& [path, one] : files_) {
        if (one->is_busy && one->file.device()) {
            silent.insert(*one->file.device());
        }
    }
    std::deque<shared_file> files;
    for (const auto& [path, one] : files_) {
        const auto device = one->file.device();
        // One call a file system that hangs is enough. Its end causes another look.
        if (!one->is_busy && !(device && silent.contains(*device))) {
            files.push_back(one);
        }
    }
    return files;
}

task<> file_watch::look_at_files() {
    std::deque<shared_file> files = files_to_look_at();
    while (!files.empty() && !stopping_) {
        if (!may_call()) {
            log_.folders("too many files do not answer: the rest waits");
            look_by(clock_.now() + retry_interval);
            co_return;
        }
        const std::size_t count = std::min(looks_a_call, files.size());
        const std::vector<shared_file> some(files.begin(),
                                            files.begin() + static_cast<std::ptrdiff_t>(count));
        std::vector<std::string> paths;
        for (const shared_file& one : some) {
            paths.push_back(one->file.path());
        }
        const auto looks = std::make_shared<file_looks>(std::move(paths), events_.begin_watches());
        const shared_job looking = begin_job();
        tasks_.spawn("look", look_at(looks, some, looking));
        co_await wait_for(looking);
        // Late: the file that does not answer stays busy until it does, and the files behind it get another call.
        const std::size_t answered = looking->done ? count : looks->done();
        if (!looking->done && answered < count) {
            looks->abandon();
            looking->late_at = answered;
            some[answered]->is_busy = true;
            some[answered]->call_since = clock_.now() - patience;
            log_.file(some[answered]->file.path(), "its file system does not answer");
        }
        files.erase(files.begin(),
                    files.begin() + static_cast<std::ptrdiff_t>(std::min(answered + 1, count)));
        for (std::size_t at = 0; at < answered && !stopping_; ++at) {
            if (!is_to_be_read(*some[at], looks->answer(at)) || !may_call()) {
                continue;
            }
            const shared_job reading = begin_job();
            tasks_.spawn("reading", read(some[at], reading));
            co_await wait_for(reading);
        }
        co_await asio::post(executor_, throwing);
    }
}

// The call of looks. If the watch has gone on without it, the file that did not answer is used here.
task<> file_watch::look_at(shared_looks looks, std::vector<shared_file> files, shared_job mine) {
    std::function<result<bool>()> work = [looks]() -> result<bool> {
        looks->run();
        return true;
    };
    const result<bool> ended = co_await worker_.run<bool>(std::move(work));
    if (!ended || mine->late_at >= files.size()) {
        end_job(*mine);
        co_return;
    }
    const shared_file one = files[mine->late_at];
    one->is_busy = false;
    one->call_since.reset();
    // Without an answer the call had to wait for a thread, and the next look repeats it.
    const bool is_answered = looks->done() > mine->late_at;
    if (is_answered && !one->is_dropped && is_to_be_read(*one, looks->answer(mine->late_at))) {
        co_await read(one, mine);
    } else {
        end_job(*mine);
    }
}

// Decides what a look means; true if the file has to be read.
bool file_watch::is_to_be_read(watched& one, const file_look& found) {
    const steady_time now = clock_.now();
    one.target_watches = found.watches;
    const file_state state = one.file.compare(found, now);
    if (state == file_state::missing) {
        // The grace period begins: a program that replaces the file by renaming leaves a moment without it.
        if (!one.missing_since && !one.file.empty()) {
            log_.lost(one.file.path(), "session file is missing: keeping its ids for 10 minutes");
        }
        one.missing_since = one.missing_since.value_or(now);
        look_by(*one.missing_since + departed_ids::file_grace);
        return false;
    }
    // Any other answer proves that the file exists, so the grace period starts from the beginning next time.
    one.missing_since.reset();
    if (state == file_state::readable) {
        return true;
    }
    log_.file(one.file.path(), one.file.problem());
    // The ids stay known for as long as the file exists and is not readable.
    if (state == file_state::failed) {
        look_by(now + retry_interval);
        return false;
    }
    std::vector<session_id> fresh;
    one.file.take_open_line(now, departed_, fresh);
    notify_added(fresh);
    report_bad_lines(one);
    if (const auto again = one.file.look_again()) {
        look_by(*again);
    }
    return false;
}

task<> file_watch::read(shared_file one, shared_job mine) {
    one->is_busy = true;
    const auto opened = std::make_shared<session_file_reading>();
    std::function<void()> open =
        [opened, path = one->file.path(), end = one->file.end(), secrets = secrets_] {
            opened->open(path, end, *secrets);
        };
    const error_code failed = co_await call(one, std::move(open));
    if (!failed) {
        const file_state state = one->file.begin(opened, clock_.now());
        if (state == file_state::readable) {
            co_await read_slices(one, opened);
        } else {
            end_reading(*one, slice_state::failed);
        }
    }
    one->is_busy = false;
    end_job(*mine);
}

task<> file_watch::read_slices(shared_file one, std::shared_ptr<session_file_reading> opened) {
    slice_state state = slice_state::more;
    std::vector<session_id> fresh;
    while (state == slice_state::more) {
        if (!opened->at_end()) {
            std::function<void()> advance = [opened] {
                opened->advance();
            };
            if (const error_code failed = co_await call(one, std::move(advance))) {
                co_return;
            }
        }
        fresh.clear();
        state = one->file.take_slice(clock_.now(), departed_, fresh);
        notify_added(fresh);
        // The loop serves requests and polls between slices.
        co_await asio::post(executor_, throwing);
        if (stopping_ || one->is_dropped) {
            co_return;
        }
    }
    end_reading(*one, state);
}

void file_watch::end_reading(watched& one, slice_state state) {
    log_.file(one.file.path(), one.file.problem());
    if (state == slice_state::failed) {
        look_by(clock_.now() + retry_interval);
        return;
    }
    if (one.file.lost_all()) {
        log_.lost(one.file.path(),
                  "session file has no ids any more: keeping the last ones for 10 minutes");
    }
    report_bad_lines(one);
    if (const auto again = one.file.look_again()) {
        look_by(*again);
    }
}

// Ids that leave ------------------------------------------------------------------------------------------------------

// Collects what has been missing for the grace period: whole files and single ids.
void file_watch::collect_leaving() {
    const steady_time now = clock_.now();
    for (auto at = files_.begin(); at != files_.end();) {
        watched& one = *at->second;
        const auto since = one.missing_since;
        // A file without ids has nothing to protect and goes at once. While a call is at work on it, the last answer is
        // too old to forget anything.
        if (!since || one.is_busy
            || (!one.file.empty() && now < *since + departed_ids::file_grace)) {
            ++at;
            continue;
        }
        id_hashes ids = one.file.take_ids();
        log_.forgotten(at->first, ids.size());
        leaving_.add(std::move(ids));
        log_.forget(at->first);
        at = files_.erase(at);
    }
    collect_departed(departed_.lines);
    collect_departed(departed_.files);
}

void file_watch::collect_departed(departed_ids& departed) {
    while (std::optional<departed_batch> due = departed.take(clock_.now())) {
        if (!due->file.empty()) {
            log_.forgotten(due->file, due->ids.size());
        }
        leaving_.add(std::move(due->ids));
    }
    if (const auto due = departed.due()) {
        look_by(*due);
    }
}

// Notifies the listener of leaving ids that are in no other file. No file is read between that check and the call.
task<> file_watch::forget_leaving() {
    std::size_t steps = 0;
    while (!leaving_.empty() && !stopping_) {
        if (removed_.empty() && !listener_.may_remove()) {
            // Removals can wait for the store. Additions must not, so the watch does not wait here.
            look_by(clock_.now() + busy_interval);
            co_return;
        }
        // Each id costs a look-up in every file, so the number of files counts as steps.
        while (removed_.size() < max_removed && steps < steps_between_turns && !leaving_.empty()) {
            const std::uint64_t hash = leaving_.take();
            if (!is_in_a_file(hash)) {
                removed_.push_back(hash);
            }
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

bool file_watch::is_in_a_file(std::uint64_t hash) const {
    // An id that departed again later has a new grace period, so it is not removed now.
    return departed_.contains(hash) || std::ranges::any_of(files_, [hash](const auto& entry) {
               return entry.second->file.contains(hash);
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
