#include "log/log_line.hpp"

#include "kallglot/base/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <variant>

namespace kallglot {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

// Room that stays free for the end of a line: the mark of a cut, a bracket, the line end.
constexpr std::size_t end_room = 32;

// Characters that do something instead of showing something: controls, line and paragraph separators, marks that
// change the direction of text, invisible ones at the borders of words.
constexpr bool is_harmful(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x200B && code <= 0x200F)
           || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F)
           || code == 0xFEFF;
}

// What one character looks like between quotes, in JSON and in logfmt alike.
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
        } else if (is_harmful(code)) {
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

// Writes into a buffer and notices when it is full; what was written since a mark can be taken back.
class line_writer {
public:
    explicit line_writer(std::span<char> buffer) noexcept : buffer_(buffer) {}

    void put(std::string_view text) noexcept {
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

    // A number with leading zeros.
    void put_padded(unsigned number, unsigned digits) noexcept {
        std::array<char, 8> text{};
        for (unsigned i = digits; i != 0; --i) {
            text[i - 1] = static_cast<char>('0' + number % 10);
            number /= 10;
        }
        put({text.data(), digits});
    }

    // A text between quotes, as written at most `limit` bytes long without them.
    void put_quoted(std::string_view text, std::size_t limit) noexcept {
        put("\"");
        constexpr std::string_view cut_mark = "...";
        std::size_t used = 0;
        while (!text.empty()) {
            const auto character = decode_utf8(text);
            const bool valid = character.length != 0;
            const std::size_t length = valid ? character.length : 1;
            // A byte that is no UTF-8 shows as the replacement character.
            const escaped piece(valid ? character.code : 0xFFFD,
                                valid ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD"));
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

    // Takes back what was written since the mark, if it did not fit.
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

// Whether logfmt needs no quotes around it.
bool is_bare(std::string_view text) {
    return !text.empty() && text.size() <= longest_log_text
           && std::all_of(text.begin(), text.end(), [](char c) {
                  return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
              });
}

// RFC 3339 in UTC with milliseconds.
void put_time(line_writer& out, log_time time) noexcept {
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

// Priorities of syslog, as the journal reads them at the begin of a line.
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

// One event in one of the two formats; they differ in how a key is written and in the quotes of short texts.
class event_writer {
public:
    event_writer(line_writer& out, log_format format) noexcept
        : out_(out),
          json_(format == log_format::json) {}

    void key(std::string_view name) noexcept {
        if (json_) {
            out_.put(first_ ? "{" : ",");
            out_.put_quoted(name, longest_log_text);
            out_.put(":");
        } else {
            out_.put(first_ ? "" : " ");
            out_.put(name);
            out_.put("=");
        }
        first_ = false;
    }

    void text(std::string_view value, std::size_t limit) noexcept {
        if (!json_ && is_bare(value)) {
            out_.put(value);
        } else {
            out_.put_quoted(value, limit);
        }
    }

    void value(const log_field::value_type& value) noexcept {
        std::visit(
            [&](const auto& typed) {
                using type = std::decay_t<decltype(typed)>;
                if constexpr (std::is_same_v<type, std::string_view>) {
                    text(typed, longest_log_text);
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
    // JSON has no infinity and no NaN, so they are texts there.
    void number(double value) noexcept {
        if (std::isfinite(value)) {
            out_.put_number(value);
        } else {
            text(std::isnan(value) ? "NaN" : (value > 0 ? "+Inf" : "-Inf"), longest_log_text);
        }
    }

    line_writer& out_;
    bool json_;
    bool first_ = true;
};

} // namespace

std::string_view log_line::format(const log_event& event, log_style style) noexcept {
    line_writer body(std::span<char>(buffer_).first(buffer_.size() - end_room));
    event_writer writer(body, style.format);
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
    writer.key("level");
    writer.text(to_string(event.level), longest_log_text);
    writer.key("msg");
    writer.text(event.message, longest_log_message);
    bool complete = true;
    for (const log_field& field : event.fields) {
        const std::size_t mark = body.mark();
        writer.key(field.key());
        writer.value(field.value());
        complete = body.settle(mark);
        if (!complete) {
            break;
        }
    }
    if (event.suppressed != 0) {
        const std::size_t mark = body.mark();
        writer.key("suppressed");
        writer.value(event.suppressed);
        complete = body.settle(mark) && complete;
    }
    // The end is written into the room that was kept free for it.
    line_writer tail(std::span<char>(buffer_).subspan(body.mark()));
    if (!complete) {
        tail.put(style.format == log_format::json ? ",\"truncated\":true" : " truncated=true");
    }
    tail.put(style.format == log_format::json ? "}\n" : "\n");
    return {buffer_.data(), body.mark() + tail.mark()};
}

} // namespace kallglot
