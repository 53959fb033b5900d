/// The text of one log event: pure formatting, bounded, one line whatever is in it.
///
/// What could forge or garble a line (line ends, control bytes, terminal escapes, text direction marks, bytes that
/// are not UTF-8) is escaped; a field shows at most 256 bytes of a text.

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

/// Wall time with the precision that lines show.
using log_time = std::chrono::sys_time<std::chrono::milliseconds>;

enum class log_format : std::uint8_t { logfmt, json };

struct log_style {
    log_format format = log_format::logfmt;
    bool journal = false; ///< priority in front (`<6>`), no time: the journal has its own
};

struct log_event {
    log_time time{};
    log_level level = log_level::info;
    std::string_view message;
    std::span<const log_field> fields{};
    std::uint64_t suppressed = 0; ///< events like this one that were left out before it
};

/// Longest line with its line end: PIPE_BUF, so that a pipe takes a line whole or not at all.
inline constexpr std::size_t longest_log_line = 4096;

/// Most bytes of a text in a field, as written.
inline constexpr std::size_t longest_log_text = 256;

/// Most bytes of a message, as written.
inline constexpr std::size_t longest_log_message = 1024;

/// Room for one line.
class log_line {
public:
    /// Makes the line of an event. Fields that do not fit are left out, and the line ends with
    /// `truncated=true`.
    ///
    /// Lifetime: the text is valid until the next call.
    [[nodiscard]] std::string_view format(const log_event& event, log_style style) noexcept;

private:
    std::array<char, longest_log_line> buffer_{};
};

} // namespace kallglot

#endif
