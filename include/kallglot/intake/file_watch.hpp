/// Watch on the files of `sessions.files`: notifies a listener of the session ids that are added and removed.
///
/// Operators and cron jobs write these lists, and editors and scripts append to them, truncate them and rename over
/// them. The watch uses inotify on the folders and reads changes after 100 ms of quiet, at the latest after 1 s. Once a
/// minute it looks at all files again, for file systems without inotify. It deliberately does not know which ids are
/// tracked, restored or forgotten: the listener does.
///
/// The first rule is never to remove an id wrongly. The watch reports an id as removed only after 30 s in no file. A
/// file that exists and is not readable keeps its ids for as long as that lasts.
///
/// The watch reads files on the loop, in slices of 256 KiB or 4,096 ids with a turn of the loop between them. A slice
/// takes 1 to 2 ms, listener not counted. A disk or a network file system that hangs blocks the loop.

#ifndef KALLGLOT_INTAKE_FILE_WATCH_HPP
#define KALLGLOT_INTAKE_FILE_WATCH_HPP

#include "intake/departed_ids.hpp"
#include "intake/file_watch_log.hpp"
#include "intake/folder_events.hpp"
#include "intake/glob_expansion.hpp"
#include "intake/id_hashes.hpp"
#include "intake/quiet_time.hpp"
#include "intake/session_file.hpp"
#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
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

    /// The ids with these hashes (hash_of) have been in no file for 30 s; 1 to 65,536, in no order.
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
/// Lifetime: the executor's loop, clock, logger and listener outlive it; join() has ended before it is destroyed.
class file_watch {
public:
    static constexpr seconds look_interval{60};
    static constexpr seconds retry_interval{5};
    /// The watch ignores further files and logs that once.
    static constexpr std::size_t max_files = 10'000;
    static constexpr std::size_t max_removed = 65'536;

    file_watch(const loop_executor& executor,
               clock& time,
               logger& log,
               file_watch_listener& listener);
    ~file_watch();
    file_watch(const file_watch&) = delete;
    file_watch& operator=(const file_watch&) = delete;

    /// Starts with absolute globs; the list may be empty. The first reading begins at the loop's next turn.
    void start(std::vector<std::string> globs);

    /// Replaces the globs. The ids of a file that no longer matches are removed after 30 s.
    void use_globs(std::vector<std::string> globs);

    /// Begins to stop: the watch makes no further calls, and its tasks end within a turn or two of the loop.
    void stop();

    /// Ends when no task is left, after stop(). Once.
    [[nodiscard]] task<> join() { return tasks_.join(); }

private:
    // A file that exists or existed.
    struct watched {
        explicit watched(const std::string& path) : file(path) {}

        session_file file;
        std::optional<steady_time> missing_since;
    };

    [[nodiscard]] task<> run();
    [[nodiscard]] task<> follow_folders();
    [[nodiscard]] task<> look_at_everything();
    [[nodiscard]] task<> look_at(watched* one);
    [[nodiscard]] task<> read(watched* one);
    [[nodiscard]] task<> forget_leaving();
    [[nodiscard]] bool take_leaving();

    void wake();
    void open_events();
    void list_files();
    void drop_files_without_glob();
    void collect_leaving();
    void notify_added(const std::vector<session_id>& fresh);
    void notify_removed();
    void report_bad_lines(watched& one);
    void look_by(steady_time when);
    [[nodiscard]] steady_time next_look() const;
    [[nodiscard]] bool is_in_a_file(std::uint64_t hash) const;

    loop_executor executor_;
    clock& clock_;
    file_watch_log log_;
    file_watch_listener& listener_;
    std::unique_ptr<wake_timer> timer_;
    steady_timer wake_;
    folder_events events_;
    quiet_time changes_;
    steady_time next_look_{};

    std::vector<std::string> globs_;
    bool globs_are_new_ = false;
    std::map<std::string, watched> files_;
    departed_ids departed_;
    std::deque<id_hashes> leaving_;            // sets of ids whose grace period is over
    std::size_t next_shard_ = 0;               // next shard of the first set
    std::vector<std::uint64_t> leaving_shard_; // rest of the current shard
    std::vector<std::uint64_t> removed_;       // not reported yet
    bool stopping_ = false;

    // The last member, so that it is destroyed first.
    task_group tasks_;
};

} // namespace kallglot

#endif
