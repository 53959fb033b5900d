// Speed matters here: a scrape has thousands of lines and runs on the event loop. So a line is built in a fixed buffer,
// label values are checked eight bytes at a time, and only unusual values take the slow path of sanitising and
// escaping.

#include "kallglot/metrics/exposition_writer.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace kallglot {

namespace {

// A line in a fixed buffer, appended to the text as a whole: cheaper than a dozen short appends to a long text.
class line {
public:
    // Names are constants and values are bounded, so an overflow is a bug and not an input.
    void put(std::string_view text) noexcept {
        assert(text.size() <= bytes_.size() - size_);
        std::memcpy(bytes_.data() + size_, text.data(), text.size());
        size_ += text.size();
    }

    void put(char c) noexcept {
        assert(size_ < bytes_.size());
        bytes_[size_++] = c;
    }

    void put(double value) noexcept {
        char* const begin = bytes_.data() + size_;
        assert(bytes_.size() - size_ >= 32);
        // Below 10^15 a double represents every whole number exactly.
        // Whole numbers without exponent, so that people can read counts and timestamps.
        if (std::abs(value) < 1e15 && value == std::trunc(value)) {
            finish(std::to_chars(begin, begin + 32, static_cast<std::int64_t>(value)).ptr);
        } else if (std::isfinite(value)) {
            finish(std::to_chars(begin, begin + 32, value).ptr);
        } else if (std::isnan(value)) {
            put("NaN");
        } else {
            put(value > 0 ? "+Inf" : "-Inf");
        }
    }

    [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

private:
    void finish(const char* end) noexcept { size_ = static_cast<std::size_t>(end - bytes_.data()); }

    // Room for a metric name, three labels and `le` with values of maximum length, all escaped, an exemplar and two
    // numbers.
    std::array<char, 2560> bytes_;
    std::size_t size_ = 0;
};

// A word with the same byte eight times.
[[nodiscard]] constexpr std::uint64_t repeat(std::uint8_t byte) noexcept {
    return 0x0101'0101'0101'0101U * byte;
}

// Sets the high bit of each byte that is zero (the classic trick of strlen); 0 if there is none.
[[nodiscard]] constexpr std::uint64_t zero_bytes(std::uint64_t word) noexcept {
    return (word - repeat(1)) & ~word & repeat(0x80);
}

// Whether eight bytes are printable ASCII without quote and backslash. A borrow between bytes can only report a plain
// byte as special, which costs time and no correctness.
[[nodiscard]] constexpr bool is_plain(std::uint64_t word) noexcept {
    // In this order: not ASCII, a control character, a quote, a backslash, DEL.
    const std::uint64_t high = word & repeat(0x80);
    const std::uint64_t low = (word - repeat(0x20)) & ~word & repeat(0x80);
    return (high | low | zero_bytes(word ^ repeat('"')) | zero_bytes(word ^ repeat('\\'))
            | zero_bytes(word ^ repeat(0x7F)))
           == 0;
}

[[nodiscard]] bool is_plain(std::string_view text) noexcept {
    std::uint64_t word = 0;
    std::size_t offset = 0;
    for (; offset + sizeof word <= text.size(); offset += sizeof word) {
        // memcpy, because a text need not be aligned. The compiler makes one load of it.
        std::memcpy(&word, text.data() + offset, sizeof word);
        if (!is_plain(word)) {
            return false;
        }
    }
    // The rest of the text, filled up with letters that are plain.
    word = repeat('a');
    std::memcpy(&word, text.data() + offset, text.size() - offset);
    return is_plain(word);
}

// Escapes a label value; the rules are the same in both formats.
void put_escaped(line& out, std::string_view text) noexcept {
    for (const char c : text) {
        if (c == '\n') {
            out.put("\\n");
        } else {
            if (c == '"' || c == '\\') {
                out.put('\\');
            }
            out.put(c);
        }
    }
}

// Every label value passes here: plain ones are copied, all others sanitised and escaped.
void put_value(line& out, std::string_view value) {
    if (value.size() <= max_label_value_bytes && is_plain(value)) {
        out.put(value);
    } else {
        put_escaped(out, sanitise_label_value(value));
    }
}

// name="value", with the value escaped.
void put_label(line& out, const label_ref& label) {
    out.put(label.name);
    out.put("=\"");
    put_value(out, label.value);
    out.put('"');
}

// All labels in braces, with `le` last for buckets; nothing without labels.
void put_labels(line& out, std::span<const label_ref> labels, std::string_view le) {
    if (labels.empty() && le.empty()) {
        return;
    }
    char separator = '{';
    for (const label_ref& label : labels) {
        out.put(separator);
        put_label(out, label);
        separator = ',';
    }
    if (!le.empty()) {
        out.put(separator);
        put_label(out, {"le", le});
    }
    out.put('}');
}

// OpenMetrics: ` # {session_id="..."} value timestamp` after the sample of a bucket.
void put_exemplar(line& out, const exemplar& example) {
    out.put(" # {");
    put_label(out, {"session_id", example.session_id});
    out.put("} ");
    out.put(example.value);
    out.put(' ');
    out.put(example.timestamp);
}

// HELP is constant text of this program. It is escaped nevertheless, because one line end in it would forge a series.
void append_help(std::string& out, std::string_view text, exposition_format format) {
    if (is_plain(text)) {
        out += text;
        return;
    }
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else {
            if (c == '\\' || (c == '"' && format == exposition_format::openmetrics)) {
                out += '\\';
            }
            out += c;
        }
    }
}

// In OpenMetrics the name of a counter family lacks the suffix `_total` of its samples.
[[nodiscard]] std::string_view family_name(const metric_info& info,
                                           exposition_format format) noexcept {
    constexpr std::string_view suffix = "_total";
    std::string_view name = info.name;
    if (format == exposition_format::openmetrics && info.type == metric_type::counter
        && name.ends_with(suffix)) {
        name.remove_suffix(suffix.size());
    }
    return name;
}

} // namespace

// The texts of both specifications; Prometheus selects its parser by them.
std::string_view content_type(exposition_format format) noexcept {
    return format == exposition_format::text
               ? "text/plain; version=0.0.4; charset=utf-8"
               : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

void append_exposition_number(std::string& out, double value) {
    line number;
    number.put(value);
    out += number.view();
}

exposition_writer::exposition_writer(std::string& out, exposition_format format) noexcept
    : out_(out),
      format_(format) {}

void exposition_writer::family(metric which) {
    family(describe(which));
}

// HELP before TYPE, as both formats require; an unwritten family simply has neither.
void exposition_writer::family(const metric_info& info) {
    // Samples take the name from here, so none can be written below a wrong HELP.
    current_ = &info;
    // The samples have the full name in both formats; only HELP and TYPE differ.
    const std::string_view name = family_name(info, format_);
    out_ += "# HELP ";
    out_ += name;
    out_ += ' ';
    append_help(out_, info.help, format_);
    out_ += "\n# TYPE ";
    out_ += name;
    out_ += ' ';
    out_ += to_string(info.type);
    out_ += '\n';
}

// The full name with `_total`, in both formats.
void exposition_writer::sample(label_span labels, double value) {
    assert(current_ != nullptr && current_->type != metric_type::histogram);
    line text;
    text.put(current_->name);
    put_labels(text, labels, {});
    text.put(' ');
    text.put(value);
    text.put('\n');
    out_ += text.view();
}

void exposition_writer::histogram(label_span labels, const histogram_view& values) {
    assert(current_ != nullptr && current_->type == metric_type::histogram);
    assert(values.cumulative_counts.size() == values.bounds.size());
    // The text format has no exemplars.
    const bool examples = format_ == exposition_format::openmetrics
                          && values.exemplars.size() == values.bounds.size() + 1;
    for (std::size_t i = 0; i < values.bounds.size(); ++i) {
        append_bucket(labels,
                      values.bounds[i],
                      values.cumulative_counts[i],
                      examples ? &values.exemplars[i] : nullptr);
    }
    append_bucket(labels,
                  std::numeric_limits<double>::infinity(),
                  values.count,
                  examples ? &values.exemplars.back() : nullptr);
    // Prometheus requires both after the buckets.
    append_part("_sum", labels, values.sum);
    append_part("_count", labels, static_cast<double>(values.count));
}

void exposition_writer::append_bucket(label_span labels,
                                      double bound,
                                      std::uint64_t count,
                                      const exemplar* example) {
    // OpenMetrics requires the bound as a canonical float (`5.0`); the text format has it as Go prints it (`5`).
    line le;
    le.put(bound);
    if (format_ == exposition_format::openmetrics && std::isfinite(bound)
        && bound == std::trunc(bound)) {
        le.put(".0");
    }

    line text;
    text.put(current_->name);
    text.put("_bucket");
    put_labels(text, labels, le.view());
    text.put(' ');
    text.put(static_cast<double>(count));
    // An empty id: the bucket has no exemplar yet.
    if (example != nullptr && !example->session_id.empty()) {
        put_exemplar(text, *example);
    }
    text.put('\n');
    out_ += text.view();
}

// `_sum` or `_count` of a histogram.
void exposition_writer::append_part(std::string_view suffix, label_span labels, double value) {
    line text;
    text.put(current_->name);
    text.put(suffix);
    put_labels(text, labels, {});
    text.put(' ');
    text.put(value);
    text.put('\n');
    out_ += text.view();
}

// Most gauges are one sample without labels.
void exposition_writer::single(metric which, double value) {
    family(which);
    sample(value);
}

void exposition_writer::finish() {
    // A sample after this would be a bug; the assertion in sample() finds it.
    current_ = nullptr;
    if (format_ == exposition_format::openmetrics) {
        out_ += "# EOF\n";
    }
}

} // namespace kallglot
