/// The intake from files: which ids stand in the files of `sessions.files`, told as they come and go.
///
/// It exists because operators and cron jobs write lists, with every habit of editors and scripts: appending,
/// truncating, renaming over. Folders are watched with inotify, changes are read after 100 ms of quiet (1 s at
/// most), and once a minute everything is looked at again, for file systems without inotify. It deliberately does
/// not know what is tracked, restored or forgotten: the listener does.
///
/// Never forgetting wrongly comes first. An id is told as removed only after it stood in no file for 30 s; a file that
/// is there and cannot be read keeps its ids for as long as that lasts.
///
/// Files are read on the loop, in slices of 256 KiB or 4,096 ids with a turn of the loop between them: a slice takes
/// 1 to 2 ms, listener not counted. A disk or a network file system that hangs holds the loop.

#ifndef KALLGLOT_INTAKE_FILE_WATCH_HPP
#define KALLGLOT_INTAKE_FILE_WATCH_HPP

#include "intake/departed_ids.hpp"
#include "intake/file_watch_log.hpp"
#include "intake/folder_events.hpp"
#include "intake/glob_expansion.hpp"
#include "intake/id_hashes.hpp"
#include "intake/session_file.hpp"
#include "kallglot/async/deadline.hpp"
#include "kallglot/async/quiet_time.hpp"
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

/// Told what the files say. Loop only; must not throw. May call the watch.
class file_watch_listener {
public:
    virtual ~file_watch_listener() = default;

    /// These ids stand in a file and did not before; 1 to 4,096. An id that stands in several files may be told more
    /// than once. `first_reading`: of a file that was there when the globs came into use, so the lines may be old.
    /// Lifetime: `ids` for the call.
    virtual void on_added(std::span<const session_id> ids, bool first_reading) = 0;

    /// The ids with these hashes (hash_of) have stood in no file for 30 s; 1 to 65,536, in no order.
    virtual void on_removed(const std::vector<std::uint64_t>& hashes) = 0;

    /// False while on_removed() shall wait; asked before each of its calls, and once a second then. Files are read on.
    [[nodiscard]] virtual bool may_remove() const { return true; }

    /// Asked before each regular look: true if it could not take some ids and has room now. Then all are told once
    /// more, as in a first reading.
    virtual bool wants_all_again() { return false; }

    /// That many lines of a reading were not ids. They are in the log already.
    virtual void on_bad_lines(std::uint64_t count) { static_cast<void>(count); }
};

/// Watches files from start() to stop(). Loop only.
///
/// Lifetime: the executor's loop, clock, logger and listener outlive it; join() has ended before it is destroyed.
class file_watch {
public:
    static constexpr seconds look_interval{60};
    static constexpr seconds retry_interval{5};
    /// The rest is ignored, with a line in the log.
    static constexpr std::size_t most_files = 10'000;
    static constexpr std::size_t most_removed = 65'536;

    file_watch(const loop_executor& executor,
               clock& time,
               logger& log,
               file_watch_listener& listener);
    ~file_watch();
    file_watch(const file_watch&) = delete;
    file_watch& operator=(const file_watch&) = delete;

    /// Begins with absolute globs; none is allowed. The first reading begins at the loop's next turn.
    void start(std::vector<std::string> globs);

    /// Other globs from now on. The ids of a file that none of them names any more are removed after 30 s.
    void use_globs(std::vector<std::string> globs);

    /// Begins to end: nothing is told any more, and the tasks end within a turn or two of the loop.
    void stop();

    /// Ends when no task is left, after stop(). Once.
    [[nodiscard]] task<> join() { return tasks_.join(); }

private:
    // A file that is or was there.
    struct watched {
        explicit watched(const std::string& path) : file(path) {}

        session_file file;
        bool first_reading = false;
        bool first_open_line = false; // the last line without its end is of the first reading
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
    void tell(const std::vector<session_id>& fresh, bool first_reading);
    void tell_removed();
    void tell_bad_lines(watched& one);
    void look_by(steady_time when);
    [[nodiscard]] steady_time next_look() const;
    [[nodiscard]] bool stands_somewhere(std::uint64_t hash) const;

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
    std::deque<id_hashes> leaving_;      // missing for long enough
    std::size_t next_shard_ = 0;         // of the first of them
    std::vector<std::uint64_t> going_;   // of the shard before that
    std::vector<std::uint64_t> removed_; // of these, to be told
    bool stopping_ = false;

    // The last member, so that it is destroyed first.
    task_group tasks_;
};

} // namespace kallglot

#endif
