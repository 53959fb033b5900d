/// One reading of a session file: a worker opens and reads it, piece by piece, and the loop takes the ids of each piece.
///
/// The worker and the loop use it in turns. It exists only during a reading, so that files at rest stay small.

#ifndef KALLGLOT_INTAKE_SESSION_FILE_READING_HPP
#define KALLGLOT_INTAKE_SESSION_FILE_READING_HPP

#include "intake/id_hashes.hpp"
#include "intake/secret_files.hpp"
#include "intake/session_list.hpp"
#include "kallglot/files/operator_file.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// More than 15 members: the place in the file, in its lines and in the comparison with the old ids. A slice ends
/// anywhere, and the next one goes on from all of them.
class session_file_reading {
public:
    static constexpr std::size_t batch_size = 4096;
    static constexpr std::size_t slice_bytes = 256 * 1024;

    // Blocking, any thread --------------------------------------------------------------------------------------------

    /// Opens the file, unless it is a secret or reached by a link that is not trusted. `known_end`: where the reading
    /// before ended.
    void open(const std::string& path, std::size_t known_end, const secret_identities& secrets);

    /// Reads the next ids into batch(): at most batch_size, from at most slice_bytes.
    void advance();

    // Results ---------------------------------------------------------------------------------------------------------

    /// errno of open() or advance(); 0 if there is none, and if the file is refused for what it is.
    [[nodiscard]] int error() const noexcept { return error_; }

    /// Why the file cannot be read; empty if it can.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

    /// The file as it was opened.
    [[nodiscard]] const struct stat& status() const noexcept { return file_.status; }

    /// The hash of the last bytes before the place where this reading begins or has ended.
    [[nodiscard]] std::uint64_t last_bytes() const noexcept { return last_bytes_; }

    [[nodiscard]] const std::vector<session_id>& batch() const noexcept { return batch_; }

    [[nodiscard]] bool at_end() const noexcept { return at_end_; }

    /// At the end: a later change of the content would change the status.
    [[nodiscard]] bool settled() const noexcept { return settled_; }

    [[nodiscard]] std::size_t position() const noexcept { return position_; }

    [[nodiscard]] session_list_parser& parser() noexcept { return parser_; }

    // Loop only -------------------------------------------------------------------------------------------------------

    /// The batch has been taken.
    void forget_batch() noexcept { batch_.clear(); }

    /// Reads on where the reading before ended, with its state of the parser.
    void read_on_from(std::size_t position, const session_list_parser& parser);

    bool whole = true; ///< the file is read from its start
    bool report_all = false;
    id_hashes ids;             ///< of a whole reading
    std::size_t departing = 0; ///< the shard of the old ids that is being compared
    std::optional<id_hashes::shard::const_iterator> next_old;

private:
    [[nodiscard]] bool refill();
    void fail(int error);
    void note_end();
    [[nodiscard]] std::uint64_t hash_before(std::size_t end) const;

    opened_file file_;
    int error_ = 0;
    std::string problem_;
    std::uint64_t last_bytes_ = 0;
    session_list_parser parser_;
    std::size_t position_ = 0; // in the file, at the end of the buffer
    std::vector<char> buffer_;
    std::size_t used_ = 0; // of the buffer
    bool at_end_ = false;
    bool settled_ = false;
    std::vector<session_id> batch_;
};

} // namespace kallglot

#endif
