#include "intake/session_list.hpp"

#include "intake/secret_files.hpp"
#include "kallglot/base/text.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

constexpr std::array<unsigned char, 3> byte_order_mark = {0xEF, 0xBB, 0xBF};

// A carriage return is white space, so that CRLF needs no rule of its own.
constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r';
}

// Headings that tables of sessions have. No id of the API is one of these words.
bool is_column_name(std::string_view word) {
    constexpr std::array<std::string_view, 10> names = {"id",
                                                        "ids",
                                                        "session_id",
                                                        "session-id",
                                                        "sessionid",
                                                        "session",
                                                        "sessions",
                                                        "session_ids",
                                                        "call_id",
                                                        "uuid"};
    return std::ranges::any_of(names,
                               [word](std::string_view name) { return ascii_iequals(word, name); });
}

} // namespace

std::string_view to_string(line_fault fault) noexcept {
    switch (fault) {
        case line_fault::too_long:
            return "too long";
        case line_fault::two_words:
            return "two words";
        case line_fault::secret:
            return "looks like a secret";
        case line_fault::column_name:
            return "column name";
        case line_fault::bad_character:
            break;
    }
    return "bad character";
}

std::string bad_line_report::text() const {
    std::string text;
    // A log field has room for about ten lines; the rest are only counted.
    const auto named = static_cast<std::size_t>(std::min<std::uint64_t>(count, max_named));
    for (std::size_t at = 0; at < named; ++at) {
        text += at == 0 ? "" : ", ";
        text += std::to_string(first[at].number);
        text += ' ';
        text += to_string(first[at].fault);
    }
    if (count > named) {
        text += ", and " + std::to_string(count - named) + " more";
    }
    return text;
}

std::size_t session_list_parser::write(std::string_view bytes,
                                       std::vector<session_id>& ids,
                                       std::size_t max_ids) {
    std::size_t at = 0;
    while (at < bytes.size() && ids.size() < max_ids) {
        const char c = bytes[at];
        // Text in UTF-16 has a zero byte in each character that an id can have.
        utf16_ = utf16_ || (c == '\0' && line_ == 1);
        // The mark is allowed at the start of the file only, so the parser looks for it in one state.
        if (place_ == place::mark && take_mark(static_cast<unsigned char>(c))) {
            ++at;
        } else if (c == '\n') {
            // The end of a line is the same in every other state: what was collected is an id, a fault or nothing.
            end_line(ids);
            ++at;
        } else if (place_ == place::in_comment || place_ == place::in_bad_line) {
            // The parser skips the rest of such a line without copying it, so an endless line costs no memory.
            at = std::min(bytes.find('\n', at), bytes.size());
        } else {
            take(c);
            ++at;
        }
    }
    return at;
}

void session_list_parser::finish(std::vector<session_id>& ids) {
    end_line(ids);
}

bool session_list_parser::line_open() const noexcept {
    return size_ > 0 || place_ == place::in_bad_line || (place_ == place::mark && mark_bytes_ > 0);
}

bad_line_report session_list_parser::take_report() noexcept {
    return std::exchange(report_, bad_line_report());
}

// Whether the byte belongs to the byte order mark. The mark may arrive in pieces. A mark that breaks off is a bad
// line.
bool session_list_parser::take_mark(unsigned char byte) noexcept {
    if (byte == byte_order_mark[mark_bytes_]) {
        if (++mark_bytes_ == byte_order_mark.size()) {
            place_ = place::before_id;
        }
        return true;
    }
    if (mark_bytes_ > 0) {
        reject(line_fault::bad_character);
    } else {
        // The first byte of the mark of UTF-16, in either order.
        utf16_ = utf16_ || byte == 0xFF || byte == 0xFE;
        place_ = place::before_id;
    }
    return false;
}

void session_list_parser::take(char c) noexcept {
    if (is_space(c)) {
        // White space in front of an id changes nothing; behind it, only a comment may follow.
        place_ = place_ == place::in_id ? place::after_id : place_;
    } else if (c == '#' && place_ == place::before_id) {
        // A comment begins in front of a word only. A `#` within a word is a bad character of that word.
        place_ = place::in_comment;
    } else if (c == '#' && place_ == place::after_id) {
        // The id in front of the comment still counts: end_line() looks at the size.
        place_ = place::in_comment;
    } else if (place_ == place::after_id) {
        // A second word makes the whole line bad: the parser cannot know which of the two is the id.
        reject(line_fault::two_words);
    } else {
        take_id_character(c);
    }
}

// Only the length is checked here. session_id::parse checks the characters once, when the word is complete.
void session_list_parser::take_id_character(char c) noexcept {
    // One character more than fits is enough to know; the rest of the line is skipped.
    if (size_ == id_.size()) {
        reject(line_fault::too_long);
        return;
    }
    id_[size_++] = c;
    place_ = place::in_id;
}

void session_list_parser::reject(line_fault fault) noexcept {
    // What was collected of the line is void; end_line() reports the fault.
    place_ = place::in_bad_line;
    fault_ = fault;
}

void session_list_parser::end_line(std::vector<session_id>& ids) {
    // The file or the line ends within the mark.
    if (place_ == place::mark && mark_bytes_ > 0) {
        reject(line_fault::bad_character);
    }
    if (place_ == place::in_bad_line) {
        report(fault_);
    } else if (size_ > 0) {
        // The line has one word of allowed length. Only now its characters are checked.
        take_word({id_.data(), size_}, ids);
    }
    // Empty lines and comments do not count: the line with column names may follow them.
    began_ = began_ || place_ == place::in_bad_line || size_ > 0;
    // The next line starts from a clean state.
    size_ = 0;
    place_ = place::before_id;
    ++line_;
}

void session_list_parser::take_word(std::string_view word, std::vector<session_id>& ids) {
    const auto id = session_id::parse(word);
    // Before the check of characters: a key has those of an id, and would be sent to the API and shown on pages.
    if (looks_like_a_secret(word)) {
        report(line_fault::secret);
    } else if (!began_ && is_column_name(word)) {
        report(line_fault::column_name);
        // After the column name, which would be a valid id.
    } else if (id) {
        ids.push_back(*id);
    } else {
        report(line_fault::bad_character);
    }
}

void session_list_parser::report(line_fault fault) noexcept {
    // Memory stays constant: the report has places for the first ten lines only.
    if (report_.count < report_.first.size()) {
        report_.first[static_cast<std::size_t>(report_.count)] = bad_line{line_, fault};
    }
    ++report_.count;
    // One step of splitmix64 for each bad line. A sum of such values does not depend on the order, and sums of
    // different lines differ.
    std::uint64_t mixed = (line_ * 8 + static_cast<std::uint64_t>(fault)) * 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    report_.digest += mixed ^ (mixed >> 27);
}

} // namespace kallglot
