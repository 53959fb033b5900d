// From small to large: `escaped` is one character, `line_writer` a bounded buffer, `event_writer` knows the two
// formats, and format() puts the parts of a line in order. A part that does not fit is undone as a whole, so that no
// line ends inside an escape or a quote.

#include "log/log_line.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <variant>

namespace kallglot {

namespace {

// Lower case, as JSON writers usually have it.
constexpr std::string_view hex_digits = "0123456789abcdef";

// Reserved for the end of a line: `truncated=true`, a bracket, the line end.
constexpr std::size_t end_room = 32;

// Characters that change the display instead of being displayed: controls, line and paragraph separators, marks that
// change the direction of text, invisible ones at word borders.
constexpr bool is_harmful(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x200B && code <= 0x200F)
           || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F)
           || code == 0xFEFF;
}

// One character as it appears between quotes, the same in JSON and logfmt.
class escaped {
public:
    escaped(char32_t code, std::string_view bytes) noexcept {
        if (code == '"' || code == '\\') {
            append({'\\', static_cast<char>(code)});
        } else if (code == '\n') {
            append({'\\', 'n'});
        } else if (code == '\r') {
            append({'\\', 'r'});
        } else if (code == '\t') {
            append({'\\', 't'});
            // Otherwise a text from outside could hide or forge lines on the operator's terminal.
        } else if (is_harmful(code)) {
            // All of them are in the basic plane, so four digits suffice.
            append({'\\', 'u'});
            for (unsigned shift = 16; shift != 0; shift -= 4) {
                append({hex_digits[(code >> (shift - 4)) & 0xFU]});
            }
        } else {
            size_ = std::min(bytes.size(), text_.size());
            std::copy_n(bytes.data(), size_, text_.data());
        }
    }

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
    void append(std::initializer_list<char> characters) noexcept {
        for (const char c : characters) {
            text_[size_++] = c;
        }
    }

    std::array<char, 8> text_{};
    std::size_t size_ = 0;
};

// A writer into a fixed buffer. After an overflow, the text since a mark can be undone.
class line_writer {
public:
    explicit line_writer(std::span<char> buffer) noexcept : buffer_(buffer) {}

    void put(std::string_view text) noexcept {
        // All or nothing, and the caller learns of it at the next settle().
        if (text.size() > buffer_.size() - size_) {
            full_ = true;
            return;
        }
        std::copy_n(text.data(), text.size(), buffer_.data() + size_);
        size_ += text.size();
    }

    template <class Number>
    void put_number(Number number) noexcept {
        std::array<char, 32> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        put({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }

    // A number with leading zeros, for dates.
    void put_padded(unsigned number, unsigned digits) noexcept {
        std::array<char, 8> text{};
        for (unsigned i = digits; i != 0; --i) {
            text[i - 1] = static_cast<char>('0' + number % 10);
            number /= 10;
        }
        put({text.data(), digits});
    }

    // A text between quotes, at most `limit` bytes long after escaping, without the quotes.
    void put_quoted(std::string_view text, std::size_t limit) noexcept {
        put("\"");
        constexpr std::string_view cut_mark = "...";
        std::size_t used = 0;
        while (!text.empty()) {
            const auto character = decode_utf8(text);
            const bool valid = character.length != 0;
            // One byte only: what follows may be valid again.
            const std::size_t length = valid ? character.length : 1;
            // An invalid byte appears as the replacement character.
            const escaped piece(valid ? character.code : 0xFFFD,
                                valid ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD"));
            // Cut between characters, and leave room for the mark of the cut.
            used += piece.text().size();
            if (used > limit - cut_mark.size()) {
                put(cut_mark);
                break;
            }
            put(piece.text());
            text.remove_prefix(length);
        }
        put("\"");
    }

    [[nodiscard]] std::size_t mark() const noexcept { return size_; }

    // After an overflow: undoes everything since the mark and returns false.
    [[nodiscard]] bool settle(std::size_t mark) noexcept {
        if (full_) {
            size_ = mark;
        }
        return !std::exchange(full_, false);
    }

private:
    std::span<char> buffer_;
    std::size_t size_ = 0;
    bool full_ = false;
};

// Whether a text needs no quotes in logfmt.
bool is_bare(std::string_view text) {
    return !text.empty() && text.size() <= max_log_text_bytes
           && std::all_of(text.begin(), text.end(), [](char c) {
                  return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
              });
}

// RFC 3339 in UTC with milliseconds. By hand: g++ 12 has no std::format, and strftime has no milliseconds.
void put_time(line_writer& out, log_time time) noexcept {
    // The calendar types of the standard library do the date arithmetic.
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    out.put_padded(static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out.put("-");
    out.put_padded(static_cast<unsigned>(date.month()), 2);
    out.put("-");
    out.put_padded(static_cast<unsigned>(date.day()), 2);
    out.put("T");
    out.put_padded(static_cast<unsigned>(clock.hours().count()), 2);
    out.put(":");
    out.put_padded(static_cast<unsigned>(clock.minutes().count()), 2);
    out.put(":");
    out.put_padded(static_cast<unsigned>(clock.seconds().count()), 2);
    out.put(".");
    out.put_padded(static_cast<unsigned>(clock.subseconds().count()), 3);
    out.put("Z");
}

// Syslog priorities at the start of a line, as the journal reads them (sd-daemon(3)).
std::string_view journal_prefix(log_level level) {
    switch (level) {
        case log_level::debug:
            return "<7>";
        case log_level::info:
            return "<6>";
        case log_level::warn:
            return "<4>";
        case log_level::error:
            break;
    }
    return "<3>";
}

// Writes keys and values in one of the two formats. They differ in the form of keys and in the quotes of short texts.
class event_writer {
public:
    event_writer(line_writer& out, log_format format) noexcept
        : out_(out),
          json_(format == log_format::json) {}

    // Keys are literals of this program: logfmt needs no escaping of them, JSON quotes them anyway.
    void key(std::string_view name) noexcept {
        if (json_) {
            out_.put(first_ ? "{" : ",");
            out_.put_quoted(name, max_log_text_bytes);
            out_.put(":");
        } else {
            out_.put(first_ ? "" : " ");
            out_.put(name);
            out_.put("=");
        }
        first_ = false;
    }

    // logfmt leaves out the quotes where it can, for readers; JSON never does.
    void text(std::string_view value, std::size_t limit) noexcept {
        if (!json_ && is_bare(value)) {
            out_.put(value);
        } else {
            out_.put_quoted(value, limit);
        }
    }

    // One form for each type; the compiler reports a type without one.
    void value(const log_field::value_type& value) noexcept {
        std::visit(
            [&](const auto& typed) {
                using type = std::decay_t<decltype(typed)>;
                if constexpr (std::is_same_v<type, std::string_view>) {
                    text(typed, max_log_text_bytes);
                } else if constexpr (std::is_same_v<type, bool>) {
                    out_.put(typed ? "true" : "false");
                } else if constexpr (std::is_same_v<type, double>) {
                    number(typed);
                } else {
                    out_.put_number(typed);
                }
            },
            value);
    }

private:
    // JSON has no infinity and no NaN; they are strings there.
    void number(double value) noexcept {
        if (std::isfinite(value)) {
            out_.put_number(value);
        } else {
            text(std::isnan(value) ? "NaN" : (value > 0 ? "+Inf" : "-Inf"), max_log_text_bytes);
        }
    }

    line_writer& out_;
    bool json_;
    bool first_ = true;
};

} // namespace

std::string_view log_line::format(const log_event& event, log_style style) noexcept {
    // The body leaves room for the end, so a full body can still be closed.
    line_writer body(std::span<char>(buffer_).first(buffer_.size() - end_room));
    event_writer writer(body, style.format);
    // Time, level and message are always there: their bounds are far below the buffer.
    if (style.journal) {
        body.put(journal_prefix(event.level));
    } else {
        writer.key("ts");
        if (style.format == log_format::json) {
            body.put("\"");
        }
        put_time(body, event.time);
        if (style.format == log_format::json) {
            body.put("\"");
        }
    }
    // The level also in the journal, for tools that read only the text.
    writer.key("level");
    writer.text(to_string(event.level), max_log_text_bytes);
    writer.key("msg");
    writer.text(event.message, max_log_message_bytes);
    // Fields in order until one does not fit. A later, shorter one is not tried: gaps would mislead.
    bool complete = true;
    for (const log_field& field : event.fields) {
        const std::size_t mark = body.mark();
        // Key and value fit together or are undone together.
        writer.key(field.key());
        writer.value(field.value());
        complete = body.settle(mark);
        if (!complete) {
            break;
        }
    }
    // The number of suppressed events is the first to be missed, so it is tried even on a truncated line.
    if (event.suppressed != 0) {
        const std::size_t mark = body.mark();
        writer.key("suppressed");
        writer.value(event.suppressed);
        complete = body.settle(mark) && complete;
    }
    // The end goes into the reserved room.
    line_writer tail(std::span<char>(buffer_).subspan(body.mark()));
    if (!complete) {
        tail.put(style.format == log_format::json ? ",\"truncated\":true" : " truncated=true");
    }
    tail.put(style.format == log_format::json ? "}\n" : "\n");
    return {buffer_.data(), body.mark() + tail.mark()};
}

} // namespace kallglot
