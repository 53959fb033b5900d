#include "exposition_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace kallglot::test {

namespace {

[[noreturn]] void refuse(std::string_view line) {
    throw std::runtime_error("not text format: " + std::string(line));
}

[[nodiscard]] bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

[[nodiscard]] std::string take_name(std::string_view& rest, std::string_view line) {
    std::size_t size = 0;
    while (size < rest.size() && is_name_char(rest[size])) {
        ++size;
    }
    if (size == 0) {
        refuse(line);
    }
    const std::string name(rest.substr(0, size));
    rest.remove_prefix(size);
    return name;
}

void take(std::string_view& rest, std::string_view expected, std::string_view line) {
    if (!rest.starts_with(expected)) {
        refuse(line);
    }
    rest.remove_prefix(expected.size());
}

[[nodiscard]] std::string take_value(std::string_view& rest, std::string_view line) {
    std::string value;
    while (!rest.empty() && rest.front() != '"') {
        char c = rest.front();
        rest.remove_prefix(1);
        if (c == '\\') {
            if (rest.empty()) {
                refuse(line);
            }
            c = rest.front();
            rest.remove_prefix(1);
            if (c == 'n') {
                c = '\n';
            } else if (c != '\\' && c != '"') {
                refuse(line);
            }
        }
        value += c;
    }
    if (!is_utf8(value)) {
        refuse(line);
    }
    return value;
}

[[nodiscard]] read_sample read_sample_line(std::string_view line) {
    std::string_view rest = line;
    read_sample sample;
    sample.name = take_name(rest, line);
    if (rest.starts_with('{')) {
        char separator = '{';
        while (rest.starts_with(separator)) {
            rest.remove_prefix(1);
            const std::string label = take_name(rest, line);
            take(rest, "=\"", line);
            if (!sample.labels.emplace(label, take_value(rest, line)).second) {
                refuse(line);
            }
            take(rest, "\"", line);
            separator = ',';
        }
        take(rest, "}", line);
    }
    take(rest, " ", line);
    char* end = nullptr;
    const std::string number(rest);
    sample.value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0') {
        refuse(line);
    }
    return sample;
}

void read_comment(std::string_view line,
                  std::string_view word,
                  std::map<std::string, std::string>& into) {
    std::string_view rest = line;
    take(rest, "# ", line);
    take(rest, word, line);
    take(rest, " ", line);
    const std::string name = take_name(rest, line);
    take(rest, " ", line);
    if (!into.emplace(name, std::string(rest)).second) {
        refuse(line);
    }
}

[[nodiscard]] std::size_t continuation_bytes(std::string_view text) {
    std::size_t count = 0;
    while (count + 1 < text.size()
           && (static_cast<unsigned char>(text[count + 1]) & 0xC0) == 0x80) {
        ++count;
    }
    return count;
}

} // namespace

double read_exposition::value(std::string_view name,
                              const std::map<std::string, std::string>& labels) const {
    const auto is_it = [&](const read_sample& s) {
        return s.name == name && s.labels == labels;
    };
    EXPECT_EQ(std::ranges::count_if(samples, is_it), 1) << name;
    const auto found = std::ranges::find_if(samples, is_it);
    return found == samples.end() ? -1 : found->value;
}

std::size_t read_exposition::count(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(samples, name, &read_sample::name));
}

read_exposition read_text_format(std::string_view text) {
    read_exposition read;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            refuse(text);
        }
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.starts_with("# HELP ")) {
            read_comment(line, "HELP", read.help);
        } else if (line.starts_with("# TYPE ")) {
            read_comment(line, "TYPE", read.type);
        } else {
            read.samples.push_back(read_sample_line(line));
        }
    }
    return read;
}

bool is_utf8(std::string_view text) {
    // Decodes and looks at the number, unlike the code under test, which looks at ranges of bytes.
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t size = first < 0x80   ? 1
                                 : first < 0xC0 ? 0
                                 : first < 0xE0 ? 2
                                 : first < 0xF0 ? 3
                                 : first < 0xF8 ? 4
                                                : 0;
        if (size == 0 || continuation_bytes(text) + 1 < size) {
            return false;
        }
        unsigned long code = size == 1 ? first : first & (0xFFU >> (size + 1));
        for (std::size_t i = 1; i < size; ++i) {
            code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
        }
        const unsigned long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < smallest[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

} // namespace kallglot::test
