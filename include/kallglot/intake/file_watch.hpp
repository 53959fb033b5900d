/// Watch on the files of `sessions.files`: notifies a listener of the session ids that are added and removed.
///
/// Operators and cron jobs write these lists, and editors and scripts append to them, truncate them and rename over
/// them. The watch uses inotify on the folders and reads changes after 100 ms of quiet, at the latest after 1 s. Once a
/// minute it looks at all files again, for file systems without inotify. It deliberately does not know which ids are
/// tracked, restored or forgotten: the listener does.
///
/// The first rule is never to remove an id wrongly. The watch reports an id as removed only after 30 s in no file, and
/// all ids of a file that vanishes or is emptied only after 10 minutes. A file that exists and is not readable keeps its
/// ids for as long as that lasts.
///
/// A worker touches the files: it lists folders, looks at files and reads them, in slices of at most 4,096 ids that the
/// loop takes one a turn. A file system that hangs holds up only what is on it: the watch waits `patience` for a call,
/// then goes on without it, and takes its result whenever it comes.

#ifndef KALLGLOT_INTAKE_FILE_WATCH_HPP
#define KALLGLOT_INTAKE_FILE_WATCH_HPP

#include "intake/departed_ids.hpp"
#include "intake/file_looks.hpp"
#include "intake/file_watch_log.hpp"
#include "intake/folder_events.hpp"
#include "intake/glob_listing.hpp"
#include "intake/id_hashes.hpp"
#include "intake/leaving_ids.hpp"
#include "intake/quiet_time.hpp"
#include "intake/secret_files.hpp"
#include "intake/session_file.hpp"
#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace kallglot {

/// Receives the changes of session files. Loop only; must not throw. May call the watch.
class file_watch_listener {
public:
    virtual ~file_watch_listener() = default;

    /// 1 to 4,096 ids are new in a file. An id in several files may be reported more than once.
    /// Lifetime: `ids` for the call.
    virtual void on_added(std::span<const session_id> ids) = 0;

    /// The ids with these hashes (hash_of) have been in no file for their grace period; 1 to 65,536, in no order.
    virtual void on_removed(const std::vector<std::uint64_t>& hashes) = 0;

    /// False while the watch must not call on_removed(). It asks before each call, then once a second. It continues to
    /// read files.
    [[nodiscard]] virtual bool may_remove() const { return true; }

    /// True if the listener rejected ids and has room now. The watch asks before each look, and then reports all ids
    /// again, as in a first reading.
    virtual bool wants_all_again() { return false; }

    /// A reading found `count` invalid lines. The watch has logged them.
    virtual void on_bad_lines(std::uint64_t count) { static_cast<void>(count); }
};

/// Watches files from start() to stop(). Loop only.
///
/// More than 15 members: one look goes through folders, files and departures in an order that matters, and each of them
/// has its state between two looks.
///
/// Lifetime: the executor's loop, clock, worker, logger and listener outlive it; join() has ended before it is destroyed.
class file_watch {
public:
    static constexpr seconds look_interval{60};
    static constexpr seconds retry_interval{5};
    /// The watch ignores further files and logs that once.
    static constexpr std::size_t max_files = 10'000;
    static constexpr std::size_t max_removed = 65'536;
    /// How long the watch waits for a call before it goes on without it.
    static constexpr seconds patience{5};
    /// Calls at a time. One is enough unless some hang.
    static constexpr std::size_t max_calls = 16;

    file_watch(const loop_executor& executor,
               clock& time,
               worker& files,
               logger& log,
               file_watch_listener& listener);
    ~file_watch();
    file_watch(const file_watch&) = delete;
    file_watch& operator=(const file_watch&) = delete;

    /// The secrets of the configuration: they are never read as session files. Call it before start() and at a reload.
    void use_secrets(secret_paths paths) { secret_paths_ = std::move(paths); }

    /// Starts with absolute globs; the list may be empty. The first reading begins at the loop's next turn.
    void start(std::vector<std::string> globs);

    /// Replaces the globs. The ids of a file that no longer matches are removed after 30 s.
    void use_globs(std::vector<std::string> globs);

    /// Begins to stop: the watch makes no further calls, and its tasks end within a turn or two of the loop.
    void stop();

    /// Ends when no task is left, after stop(). Once.
    [[nodiscard]] task<> join() { return tasks_.join(); }

private:
    // A call that runs on the worker, and what follows it on the loop.
    struct job {
        static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

        bool done = false;
        bool is_late = false;       // the watch goes on without it
        std::size_t late_at = none; // the file that did not answer, of several
    };

    // A file that exists or existed.
    struct watched {
        explicit watched(const std::string& path) : file(path) {}

        session_file file;
        std::optional<steady_time> missing_since;
        std::set<int> target_watches; // if it is a link
        bool is_busy = false;         // a call is at work on it: no other begins
        bool is_dropped = false;      // no glob names it any more
        std::optional<steady_time> call_since;
    };

    using shared_job = std::shared_ptr<job>;
    using shared_file = std::shared_ptr<watched>;
    using shared_listing = std::shared_ptr<glob_listing>;
    using shared_looks = std::shared_ptr<file_looks>;

    [[nodiscard]] task<> run();
    [[nodiscard]] task<> follow_folders();
    [[nodiscard]] task<> look_at_everything();
    [[nodiscard]] task<> find_secrets(shared_job mine);
    [[nodiscard]] task<> list_files();
    [[nodiscard]] task<> list(shared_listing one, shared_job mine);
    [[nodiscard]] task<> look_at_files();
    [[nodiscard]] task<> look_at(shared_looks looks,
                                 std::vector<shared_file> files,
                                 shared_job mine);
    [[nodiscard]] task<> read(shared_file one, shared_job mine);
    [[nodiscard]] task<> read_slices(shared_file one, std::shared_ptr<session_file_reading> opened);
    [[nodiscard]] task<error_code> call(shared_file one, std::function<void()> work);
    [[nodiscard]] task<> wait_for(shared_job one);
    [[nodiscard]] task<> forget_leaving();

    void wake();

    [[nodiscard]] bool may_call() const noexcept { return calls_ < max_calls; }

    [[nodiscard]] shared_job begin_job();
    void end_job(job& mine);
    void open_events();
    void use_listing(glob_listing& one);
    void keep_watches();
    void drop_files_without_glob();
    void name_files_that_hang();
    [[nodiscard]] std::deque<shared_file> files_to_look_at();
    [[nodiscard]] bool is_to_be_read(watched& one, const file_look& found);
    void end_reading(watched& one, slice_state state);
    void collect_leaving();
    void collect_departed(departed_ids& departed);
    void notify_added(const std::vector<session_id>& fresh);
    void notify_removed();
    void report_bad_lines(watched& one);
    void look_by(steady_time when);
    [[nodiscard]] steady_time next_look() const;
    [[nodiscard]] bool is_in_a_file(std::uint64_t hash) const;

    loop_executor executor_;
    clock& clock_;
    worker& worker_;
    file_watch_log log_;
    file_watch_listener& listener_;
    std::unique_ptr<wake_timer> timer_;
    steady_timer wake_;
    folder_events events_;
    quiet_time changes_;
    steady_time next_look_{};

    std::vector<shared_listing> globs_;
    bool globs_are_new_ = false;
    std::map<std::string, shared_file> files_;
    std::size_t calls_ = 0; // jobs that have not ended
    secret_paths secret_paths_;
    bool finds_secrets_ = false;
    std::shared_ptr<const secret_identities> secrets_ = std::make_shared<secret_identities>();
    departures departed_;
    leaving_ids leaving_;
    std::vector<std::uint64_t> removed_; // not reported yet
    bool stopping_ = false;

    // The last member, so that it is destroyed first.
    task_group tasks_;
};

} // namespace kallglot

#endif
