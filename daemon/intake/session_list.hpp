/// Parser of session files: one session id a line, bytes in, ids and faults out.
///
/// The parser accepts white space around an id, blank lines, `#` comments, CRLF, a byte order mark at the start and a
/// last line without its end. A comment is a whole line, or follows an id and white space. The parser skips a bad line
/// and reports its number and reason, never its text. It neither opens files nor drops repeated ids.

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

/// Why a line is not an id.
enum class line_fault : std::uint8_t {
    too_long,      ///< more than session_id::max_size characters
    bad_character, ///< something other than [A-Za-z0-9_-]
    two_words,     ///< text behind the id that is not a comment
    secret,        ///< begins as keys and secrets of the API do: it must not be shown as an id
    column_name,   ///< the first line is a heading, such as `session_id`
};

[[nodiscard]] std::string_view to_string(line_fault fault) noexcept;

struct bad_line {
    std::uint64_t number = 0; ///< the first line is 1
    line_fault fault = line_fault::bad_character;

    [[nodiscard]] bool operator==(const bad_line&) const noexcept = default;
};

/// The bad lines of one reading: their count, and the first ones by number.
struct bad_line_report {
    static constexpr std::size_t max_named = 10;

    std::uint64_t count = 0;
    std::uint64_t digest = 0; ///< equal for equal lines and faults, to log a file's faults once
    std::array<bad_line, max_named> first{}; ///< filled up to the smaller of count and max_named

    /// For a log line, for example `3 bad character, 17 too long, and 4 more`. Empty if there is none.
    [[nodiscard]] std::string text() const;
};

/// Reads the bytes of one session file, in pieces of any size.
///
/// A small value: a copy holds the state of the file read so far. So reading continues there when a program appends,
/// and a copy can finish the last line while that line may still grow in the original.
/// Cost: memory does not depend on the length of a line; no allocation but that of `ids`.
class session_list_parser {
public:
    /// Reads `bytes` and appends the ids of the lines that ended, until `ids` holds `max_ids`.
    /// Returns how many bytes were read: all of them unless `ids` is full, and more than 0 if it was not.
    [[nodiscard]] std::size_t write(std::string_view bytes,
                                    std::vector<session_id>& ids,
                                    std::size_t max_ids);

    /// Ends the file: a last line without its end counts too. Appends at most one id.
    void finish(std::vector<session_id>& ids);

    /// Whether finish() would add an id or a fault: the last line has no end and holds more than a comment.
    [[nodiscard]] bool line_open() const noexcept;

    /// Whether the file has zero bytes in its first line or the mark of UTF-16 in front of it. Then it has no lines that
    /// can be read.
    [[nodiscard]] bool is_utf16() const noexcept { return utf16_; }

    /// The bad lines since the last call.
    [[nodiscard]] bad_line_report take_report() noexcept;

private:
    /// Where in a line the next byte stands.
    enum class place : std::uint8_t {
        mark,        ///< start of the file: a byte order mark may come
        before_id,   ///< only white space so far
        in_id,       ///< within the first word
        after_id,    ///< behind the first word: only white space or a comment may come
        in_comment,  ///< skips to the end of the line; an id in front of the comment counts
        in_bad_line, ///< skips to the end of the line, which will be reported
    };

    [[nodiscard]] bool take_mark(unsigned char byte) noexcept;
    void take(char c) noexcept;
    void take_id_character(char c) noexcept;
    void reject(line_fault fault) noexcept;
    void end_line(std::vector<session_id>& ids);
    void take_word(std::string_view word, std::vector<session_id>& ids);
    void report(line_fault fault) noexcept;

    std::uint64_t line_ = 1;
    place place_ = place::mark;
    line_fault fault_ = line_fault::bad_character;
    bool utf16_ = false;
    bool began_ = false; ///< a line was an id or bad: the next is not the first
    std::uint8_t mark_bytes_ = 0;
    std::uint8_t size_ = 0;
    std::array<char, session_id::max_size> id_{};
    bad_line_report report_;
};

} // namespace kallglot

#endif
