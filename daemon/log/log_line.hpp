/// Formats one log event as one line. Pure, without allocation, bounded in length.
///
/// Everything that can forge or garble a line is escaped: line ends, control bytes, terminal escapes, text direction
/// marks, invalid UTF-8. A field shows at most 256 bytes of a text.

#ifndef KALLGLOT_LOG_LOG_LINE_HPP
#define KALLGLOT_LOG_LOG_LINE_HPP

#include "kallglot/ports/logger.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kallglot {

/// Wall-clock time with the precision of log lines.
using log_time = std::chrono::sys_time<std::chrono::milliseconds>;

enum class log_format : std::uint8_t { logfmt, json };

struct log_style {
    log_format format = log_format::logfmt;
    bool journal = false; ///< with a priority (`<6>`), without a time: the journal adds its own
};

struct log_event {
    log_time time{};
    log_level level = log_level::info;
    std::string_view message;
    std::span<const log_field> fields{};
    std::uint64_t suppressed = 0; ///< events with this message suppressed before this one
};

/// Bound of a line with its line end: PIPE_BUF, so that a pipe accepts a line completely or not at all.
inline constexpr std::size_t max_log_line_bytes = 4096;

/// Bound of a text in a field, in bytes after escaping.
inline constexpr std::size_t max_log_text_bytes = 256;

/// Bound of a message, in bytes after escaping.
inline constexpr std::size_t max_log_message_bytes = 1024;

/// A buffer for one line.
class log_line {
public:
    /// Formats an event. Fields that do not fit are omitted, and the line ends with `truncated=true`.
    ///
    /// Lifetime: the text is valid until the next call.
    [[nodiscard]] std::string_view format(const log_event& event, log_style style) noexcept;

private:
    std::array<char, max_log_line_bytes> buffer_{};
};

} // namespace kallglot

#endif
