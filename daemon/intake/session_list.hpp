/// The format of a session file: one id a line.
///
/// It exists so that what a line means is decided in one place without files: bytes in, ids and faults out. White
/// space around an id, blank lines, `#` comments (a whole line, or behind white space after an id), CRLF, a byte
/// order mark at the start and a last line without its end are accepted. A bad line is skipped and reported by
/// number and reason, never by its text. It deliberately neither opens files nor drops repeated ids.

#ifndef KALLGLOT_INTAKE_SESSION_LIST_HPP
#define KALLGLOT_INTAKE_SESSION_LIST_HPP

#include "kallglot/tracking/session_id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// Why a line is no id.
enum class line_fault : std::uint8_t {
    too_long,      ///< more than session_id::max_size characters
    bad_character, ///< something other than [A-Za-z0-9_-]
    two_words,     ///< more text behind the id that is not a comment
};

[[nodiscard]] std::string_view to_string(line_fault fault) noexcept;

struct bad_line {
    std::uint64_t number = 0; ///< the first line is 1
    line_fault fault = line_fault::bad_character;

    [[nodiscard]] bool operator==(const bad_line&) const noexcept = default;
};

/// The bad lines of one reading: how many, and which the first ones are.
struct bad_line_report {
    static constexpr std::size_t most_named = 10;

    std::uint64_t count = 0;
    std::uint64_t digest =
        0; ///< the sum of something of each: the same lines and faults give the same
    std::array<bad_line, most_named> first{}; ///< filled up to the smaller of count and most_named

    /// For a log line, such as `3 bad character, 17 too long, and 4 more`. Empty if there is none.
    [[nodiscard]] std::string text() const;
};

/// Reads the bytes of one session file, in pieces of any size.
///
/// A small value: a copy is the state of the file read so far, so that an appended file is read on from there, and
/// the last line can be finished in a copy while it may still grow in the original.
/// Cost: memory does not depend on the length of a line; no allocation but that of `ids`.
class session_list_parser {
public:
    /// Reads `bytes` and appends the ids of the lines that ended, until `ids` holds `most`.
    /// Returns how many bytes were read: all of them unless `ids` is full, and more than 0 if it was not.
    [[nodiscard]] std::size_t write(std::string_view bytes,
                                    std::vector<session_id>& ids,
                                    std::size_t most);

    /// The file ends here: a last line without its end counts too. One id at most.
    void finish(std::vector<session_id>& ids);

    /// Whether finish() has something to say: the last line has no end and holds more than a comment.
    [[nodiscard]] bool line_open() const noexcept;

    /// The bad lines since the last call.
    [[nodiscard]] bad_line_report take_report() noexcept;

private:
    enum class place : std::uint8_t { mark, before_id, in_id, after_id, in_comment, in_bad_line };

    [[nodiscard]] bool take_mark(unsigned char byte) noexcept;
    void take(char c) noexcept;
    void take_id_character(char c) noexcept;
    void reject(line_fault fault) noexcept;
    void end_line(std::vector<session_id>& ids);
    void report(line_fault fault) noexcept;

    std::uint64_t line_ = 1;
    place place_ = place::mark;
    line_fault fault_ = line_fault::bad_character;
    std::uint8_t mark_bytes_ = 0;
    std::uint8_t size_ = 0;
    std::array<char, session_id::max_size> id_{};
    bad_line_report report_;
};

} // namespace kallglot

#endif
