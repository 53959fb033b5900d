/// One session file: remembers the ids of the last reading, and decides what a look at the file and the next reading
/// mean.
///
/// A million lines neither block the loop nor stay in memory: a slice has at most 4,096 ids, and 64 bits of each id are
/// stored. It deliberately neither waits nor logs nor touches the file: `file_watch` lets a worker do that.
///
/// When a file grew, reading continues at the old end if the 64 bytes before it are the same. A full reading follows a
/// minute later, in case the file changed further up as well.

#ifndef KALLGLOT_INTAKE_SESSION_FILE_HPP
#define KALLGLOT_INTAKE_SESSION_FILE_HPP

#include "intake/departed_ids.hpp"
#include "intake/file_looks.hpp"
#include "intake/id_hashes.hpp"
#include "intake/session_file_reading.hpp"
#include "intake/session_list.hpp"
#include "kallglot/base/time.hpp"

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// What a look or the opening of a file means.
enum class file_state : std::uint8_t {
    unchanged,
    readable, ///< there is something new to read
    missing,  ///< the file does not exist
    failed,   ///< the file exists and cannot be used: see problem()
};

enum class slice_state : std::uint8_t { more, done, failed };

/// Loop only.
class session_file {
public:
    /// Larger files are rejected: they hold more than two million ids.
    static constexpr std::size_t max_size_bytes = 128 * 1024 * 1024;
    /// How long a last line without its end must be unchanged before it counts.
    static constexpr milliseconds quiet{100};
    static constexpr seconds full_read_after{60};

    explicit session_file(std::string path);
    ~session_file();
    session_file(const session_file&) = delete;
    session_file& operator=(const session_file&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Compares what a look found with the last reading. `readable`: a reading has to be opened.
    [[nodiscard]] file_state compare(const file_look& found, steady_time now);

    /// Begins with a reading that was opened at end(). `readable`: advance it and take each slice.
    [[nodiscard]] file_state begin(std::shared_ptr<session_file_reading> opened, steady_time now);

    /// The number of bytes that have been read.
    [[nodiscard]] std::size_t end() const noexcept { return last_ ? last_->end : 0; }

    /// Why the last look or reading failed; empty if it did not.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

    /// Takes what the reading has advanced by. `more`: advance it again, unless it is at its end.
    ///
    /// Appends to `fresh` the ids that are new in this file, at most session_file_reading::batch_size. Ids that the file
    /// no longer has go to `departed`. Ids in `departed` that the file has again leave it and are not fresh.
    /// Errors: failed, with the reason in problem(); the ids known so far stay known.
    [[nodiscard]] slice_state take_slice(steady_time now,
                                         departures& departed,
                                         std::vector<session_id>& fresh);

    /// Whether the reading that ended last found that the file has lost all its ids.
    [[nodiscard]] bool lost_all() const noexcept { return lost_all_; }

    /// Where the file is, as far as it has been read once.
    [[nodiscard]] std::optional<dev_t> device() const noexcept {
        return last_ ? std::optional(last_->status.st_dev) : std::nullopt;
    }

    /// Takes the last line without its end, once the file was quiet for long enough. Call it after `unchanged`.
    void take_open_line(steady_time now, departures& departed, std::vector<session_id>& fresh);

    /// When the file must be looked at again even without a change event.
    [[nodiscard]] std::optional<steady_time> look_again() const;

    /// Makes the next reading a full one that reports all ids as fresh.
    void report_all_again() noexcept { report_all_ = true; }

    [[nodiscard]] bool contains(std::uint64_t hash) const;

    /// Whether no id of this file is known.
    [[nodiscard]] bool empty() const noexcept { return ids_.empty() && !open_line_; }

    /// How many ids are known, without an open line.
    [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }

    /// Moves all ids out; the file counts as never read.
    [[nodiscard]] id_hashes take_ids();

    /// The bad lines of the last reading, or the open line if it was found bad since. A full reading reports them only
    /// if they differ from those of earlier readings.
    [[nodiscard]] bad_line_report take_bad_lines() noexcept;

private:
    /// What the next look and the next reading compare with.
    struct last_reading {
        struct stat status{};         // unchanged: nothing to read
        std::size_t end = 0;          // number of bytes read
        std::uint64_t last_bytes = 0; // hash of the bytes before that end
        session_list_parser parser;   // state at that end
        bool settled = false;         // a change of the content would change the status
        steady_time at{};
    };

    [[nodiscard]] file_state fail(std::string problem);
    [[nodiscard]] file_state fail(int error);
    [[nodiscard]] bool is_usable(const struct stat& status);
    [[nodiscard]] bool only_grew(const session_file_reading& next) const;
    void take(std::uint64_t hash,
              const session_id& id,
              departures& departed,
              std::vector<session_id>& fresh);
    [[nodiscard]] bool depart(std::size_t budget, steady_time now, departures& departed);
    void keep_open_line(steady_time now, departures& departed);
    void note_bad_lines(bool whole);
    void finish(steady_time now, departures& departed);
    void give_up();

    std::string path_;
    std::string problem_;
    id_hashes ids_;
    std::optional<std::uint64_t> open_line_;        // id of the last line, taken without its end
    std::shared_ptr<session_file_reading> reading_; // shared with a call of the worker
    std::optional<last_reading> last_; // empty: never read, or the last reading failed half way

    bool open_line_taken_ = false; // the last line needs no further look
    bool report_all_ = false;      // the next reading reports all ids as fresh
    bool report_open_line_ = false;
    bool lost_all_ = false;
    bad_line_report bad_lines_;
    std::uint64_t reported_bad_lines_ = 0; // digests of the reports so far
    std::uint64_t reported_bad_open_line_ = 0;
    std::optional<steady_time> full_read_at_;
};

} // namespace kallglot

#endif
