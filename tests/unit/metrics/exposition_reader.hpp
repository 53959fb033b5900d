/// A small reader of Prometheus' text format, strict enough to notice what Prometheus would refuse.

#ifndef KALLGLOT_METRICS_EXPOSITION_READER_HPP
#define KALLGLOT_METRICS_EXPOSITION_READER_HPP

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {

struct read_sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
};

struct read_exposition {
    std::map<std::string, std::string> help;
    std::map<std::string, std::string> type;
    std::vector<read_sample> samples;

    /// The value of the one sample of that name and labels; fails the test if there is none or more than one.
    [[nodiscard]] double value(std::string_view name,
                               const std::map<std::string, std::string>& labels = {}) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
};

/// Throws std::runtime_error with the line for anything that is not text format.
[[nodiscard]] read_exposition read_text_format(std::string_view text);

/// Whether Go's unicode/utf8 would call it valid.
[[nodiscard]] bool is_utf8(std::string_view text);

} // namespace kallglot::test

#endif
