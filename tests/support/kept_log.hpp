/// A logger that stores its lines, so that tests can search them.

#ifndef KALLGLOT_TESTS_SUPPORT_KEPT_LOG_HPP
#define KALLGLOT_TESTS_SUPPORT_KEPT_LOG_HPP

#include "kallglot/ports/logger.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kallglot::test {

/// Stores lines as `level message key=value ...`.
class kept_log final : public logger {
public:
    [[nodiscard]] bool enabled(log_level) const noexcept override { return true; }

    void log(log_level level,
             std::string_view message,
             std::span<const log_field> fields) noexcept override {
        std::string line = std::string(to_string(level)) + ' ' + std::string(message);
        for (const log_field& field : fields) {
            line += ' ' + std::string(field.key()) + '=';
            if (const auto* text = std::get_if<std::string_view>(&field.value())) {
                line += *text;
            } else if (const auto* number = std::get_if<std::uint64_t>(&field.value())) {
                line += std::to_string(*number);
            }
        }
        lines.push_back(std::move(line));
    }

    [[nodiscard]] std::size_t count(log_level level) const {
        const std::string beginning = std::string(to_string(level)) + ' ';
        return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const std::string& line) {
            return line.starts_with(beginning);
        }));
    }

    [[nodiscard]] std::vector<std::string> take() { return std::exchange(lines, {}); }

    std::vector<std::string> lines;
};

} // namespace kallglot::test

#endif
