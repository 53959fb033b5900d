/// One session file: what it held when it was last read, and how it is read again, slice by slice.
///
/// It exists so that a million lines neither hold the loop nor stay in memory: a step reads at most 256 KiB or
/// 4,096 ids, and 64 bits of each id are kept. It deliberately neither waits nor logs; `file_watch` does.
///
/// A file that grew and whose bytes before the old end are the same is read on from there. Only the last 64 of them
/// are compared, so such a file is read whole a minute later, in case it was changed further up as well.

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
    readable, ///< read_slice() is to be called until it is done
    missing,  ///< there is no such file
    failed,   ///< it is there and cannot be used: see problem()
};

enum class slice_state : std::uint8_t { more, done, failed };

/// Loop only. Lifetime: keeps a descriptor while it is being read.
class session_file {
public:
    /// Larger files are refused: they hold more than two million ids.
    static constexpr std::size_t size_limit = 128 * 1024 * 1024;
    static constexpr std::size_t batch_size = 4096;
    static constexpr std::size_t slice_bytes = 256 * 1024;
    /// How long a last line without its end must have stood before it counts.
    static constexpr milliseconds quiet{100};
    static constexpr seconds whole_again{60};

    explicit session_file(std::string path);
    ~session_file();
    session_file(const session_file&) = delete;
    session_file& operator=(const session_file&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Compares the file with what was read and opens it if there is something to read.
    [[nodiscard]] file_state look(steady_time now);

    /// Why the last look or reading failed; empty if it did not.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

    /// Reads on after look() said readable.
    ///
    /// `fresh` receives the ids that were not known before, batch_size at most. Ids that stood here before and do not
    /// any more go to `departed`; those that are there and stand here again leave it and are not fresh.
    /// Errors: failed, with the reason in problem(): the ids known so far stay known.
    /// Cost:   one read(2) of a regular file, on the loop: about 0.5 ms.
    [[nodiscard]] slice_state read_slice(steady_time now,
                                         departed_ids& departed,
                                         std::vector<session_id>& fresh);

    /// Takes the last line although it has no end, once the file was quiet for long enough. After `unchanged`.
    void take_open_line(steady_time now, departed_ids& departed, std::vector<session_id>& fresh);

    /// When the file must be looked at again even if nobody says that it changed.
    [[nodiscard]] std::optional<steady_time> look_again() const;

    /// The next reading is of the whole file, and all its ids are fresh.
    void tell_again() noexcept { tell_all_ = true; }

    [[nodiscard]] bool contains(std::uint64_t hash) const;

    /// Whether no id is known of it.
    [[nodiscard]] bool empty() const noexcept { return ids_.empty() && !open_line_; }

    /// Takes all ids out; the file counts as never read.
    [[nodiscard]] id_hashes take_ids();

    /// The bad lines of the last reading, or the open line if that was found bad since. Those of a whole reading
    /// only if they are not the ones that earlier readings found.
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
    std::optional<std::uint64_t> open_line_; // the id of the last line, taken without its end
    session_list_parser parser_;             // as of the end of what was read
    std::unique_ptr<reading> reading_;

    struct stat status_{};         // of the last reading; no news as long as it is the same
    std::size_t end_ = 0;          // how many bytes were read
    std::uint64_t last_bytes_ = 0; // hash of the bytes before that end
    bool known_ = false;           // the four above are valid
    bool settled_ = false;         // the content cannot have changed without changing status_
    bool open_line_taken_ = false; // nothing more to get from the last line
    bool tell_all_ = false;        // wanted of the next reading
    bool tell_open_line_ = false;
    bad_line_report bad_lines_;
    std::uint64_t told_bad_lines_ = 0; // digests of what was told before
    std::uint64_t told_bad_open_line_ = 0;
    steady_time read_at_{};
    std::optional<steady_time> whole_at_;
};

} // namespace kallglot

#endif
