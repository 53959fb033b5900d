/// Reader of one session file: remembers the ids of the last reading and reads the file again in slices.
///
/// A million lines neither block the loop nor stay in memory: a slice reads at most 256 KiB or 4,096 ids, and the
/// reader stores 64 bits of each id. It deliberately neither waits nor logs; `file_watch` does.
///
/// When a file grew, reading continues at the old end if the 64 bytes before it are the same. A full reading follows a
/// minute later, in case the file changed further up as well.

#ifndef KALLGLOT_INTAKE_SESSION_FILE_HPP
#define KALLGLOT_INTAKE_SESSION_FILE_HPP

#include "intake/departed_ids.hpp"
#include "intake/id_hashes.hpp"
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

/// What look() found.
enum class file_state : std::uint8_t {
    unchanged,
    readable, ///< call read_slice() until it is done
    missing,  ///< the file does not exist
    failed,   ///< the file exists and cannot be used: see problem()
};

enum class slice_state : std::uint8_t { more, done, failed };

/// Loop only. Holds a descriptor while it reads.
class session_file {
public:
    /// Larger files are rejected: they hold more than two million ids.
    static constexpr std::size_t max_size_bytes = 128 * 1024 * 1024;
    static constexpr std::size_t batch_size = 4096;
    static constexpr std::size_t slice_bytes = 256 * 1024;
    /// How long a last line without its end must be unchanged before it counts.
    static constexpr milliseconds quiet{100};
    static constexpr seconds full_read_after{60};

    explicit session_file(std::string path);
    ~session_file();
    session_file(const session_file&) = delete;
    session_file& operator=(const session_file&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Compares the file with the last reading and opens it if there is something new to read.
    [[nodiscard]] file_state look(steady_time now);

    /// Why the last look or reading failed; empty if it did not.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

    /// Reads one slice after look() returned `readable`.
    ///
    /// Appends to `fresh` the ids that are new in this file, at most batch_size. Ids that the file no longer has go to
    /// `departed`. Ids in `departed` that the file has again leave it and are not fresh.
    /// Errors: failed, with the reason in problem(); the ids known so far stay known.
    /// Cost:   one read(2) of a regular file, on the loop: about 0.5 ms.
    [[nodiscard]] slice_state read_slice(steady_time now,
                                         departed_ids& departed,
                                         std::vector<session_id>& fresh);

    /// Takes the last line without its end, once the file was quiet for long enough. Call it after `unchanged`.
    void take_open_line(steady_time now, departed_ids& departed, std::vector<session_id>& fresh);

    /// When look() must run again even without a change event.
    [[nodiscard]] std::optional<steady_time> look_again() const;

    /// Makes the next reading a full one that reports all ids as fresh.
    void report_all_again() noexcept { report_all_ = true; }

    [[nodiscard]] bool contains(std::uint64_t hash) const;

    /// Whether no id of this file is known.
    [[nodiscard]] bool empty() const noexcept { return ids_.empty() && !open_line_; }

    /// Moves all ids out; the file counts as never read.
    [[nodiscard]] id_hashes take_ids();

    /// The bad lines of the last reading, or the open line if it was found bad since. A full reading reports them only
    /// if they differ from those of earlier readings.
    [[nodiscard]] bad_line_report take_bad_lines() noexcept;

private:
    struct reading;

    [[nodiscard]] file_state fail(std::string problem);
    [[nodiscard]] file_state fail(int error);
    [[nodiscard]] bool is_usable(const struct stat& status);
    [[nodiscard]] file_state open_to_read(steady_time now);
    [[nodiscard]] bool only_grew(const reading& next) const;
    void take(std::uint64_t hash,
              const session_id& id,
              departed_ids& departed,
              std::vector<session_id>& fresh);
    [[nodiscard]] bool read_ids(std::size_t& budget,
                                departed_ids& departed,
                                std::vector<session_id>& fresh);
    [[nodiscard]] bool depart(std::size_t budget, steady_time now, departed_ids& departed);
    void keep_open_line(steady_time now, departed_ids& departed);
    void note_bad_lines(bool whole);
    [[nodiscard]] std::uint64_t hash_of_last_bytes(int file) const;
    void finish(steady_time now, departed_ids& departed);
    void give_up();

    std::string path_;
    std::string problem_;
    id_hashes ids_;
    std::optional<std::uint64_t> open_line_; // id of the last line, taken without its end
    session_list_parser parser_;             // state at the end of the last reading
    std::unique_ptr<reading> reading_;

    struct stat status_{};         // at the last reading; unchanged = nothing to read
    std::size_t end_ = 0;          // number of bytes read
    std::uint64_t last_bytes_ = 0; // hash of the bytes before that end
    bool known_ = false;   // parser_, status_, end_ and last_bytes_ describe the last reading
    bool settled_ = false; // a change of the content would change status_
    bool open_line_taken_ = false; // the last line needs no further look
    bool report_all_ = false;      // the next reading reports all ids as fresh
    bool report_open_line_ = false;
    bad_line_report bad_lines_;
    std::uint64_t reported_bad_lines_ = 0; // digests of the reports so far
    std::uint64_t reported_bad_open_line_ = 0;
    steady_time read_at_{};
    std::optional<steady_time> full_read_at_;
};

} // namespace kallglot

#endif
