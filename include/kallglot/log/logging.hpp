/// The logger of the daemon: writes one line an event to a descriptor, as logfmt or JSON; never blocks.
///
/// It formats, limits floods, counts and writes. spdlog is not used: it neither escapes nor bounds text from outside,
/// and if a pipe is full, its sinks block or queue on a thread that blocks at exit. The logger stores and rotates
/// nothing; that is the task of the process that reads stderr.

#ifndef KALLGLOT_LOG_LOGGING_HPP
#define KALLGLOT_LOG_LOGGING_HPP

#include "kallglot/ports/logger.hpp"
#include "log/log_line.hpp"
#include "log/log_sink.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace kallglot {

/// Parses `debug`, `info`, `warn` or `error`, the words of the command line.
[[nodiscard]] std::optional<log_level> parse_log_level(std::string_view text) noexcept;

/// Parses `logfmt` or `json`, the words of the command line.
[[nodiscard]] std::optional<log_format> parse_log_format(std::string_view text) noexcept;

/// Whether this descriptor is connected to the journal: its device and inode equal those in `$JOURNAL_STREAM`, passed
/// as text (empty = not set).
///
/// Source: systemd.exec(5), JOURNAL_STREAM.
[[nodiscard]] bool is_journal(int descriptor, const std::string& journal_stream) noexcept;

/// Ignores SIGPIPE, so that a write to a closed pipe is an error to count and not the end of the process. Called once
/// at the start of the program.
void ignore_broken_pipes() noexcept;

struct log_options {
    log_level min_level = log_level::info;
    log_style style{};
};

/// The logger of the daemon.
///
/// After 200 events with the same message within 10 seconds, further ones are suppressed and counted; the next line of
/// that message has their number in `suppressed`. Debug events are never suppressed. Lines that the descriptor does not
/// accept are dropped; the next line that can be written follows a line with their number.
///
/// Executor: Loop only.
/// Lifetime: the descriptor outlives this object.
class stream_logger final : public logger {
public:
    using time_source = std::function<log_time()>;

    stream_logger(int descriptor, log_options options);

    /// Uses the clock of the caller, for tests.
    stream_logger(int descriptor, log_options options, time_source now);

    [[nodiscard]] bool enabled(log_level level) const noexcept override;

    void log(log_level level,
             std::string_view message,
             std::span<const log_field> fields) noexcept override;

    /// Calls `count` for each event of an enabled level, including suppressed and dropped ones. It must not throw or
    /// log.
    void on_event(std::function<void(log_level)> count);

    /// Number of dropped lines since the start.
    [[nodiscard]] std::uint64_t dropped_lines() const noexcept { return dropped_lines_; }

private:
    // How often one message was logged in the current window.
    struct flood_slot {
        std::size_t hash = 0;
        log_time begin{};
        std::uint32_t logged = 0;
        std::uint64_t suppressed = 0;
    };

    [[nodiscard]] bool admit(const log_event& event, std::uint64_t& suppressed) noexcept;
    void report_dropped(log_time now) noexcept;

    log_sink sink_;
    log_options options_;
    time_source now_;
    std::function<void(log_level)> count_;
    std::array<flood_slot, 64> floods_{};
    std::uint64_t dropped_lines_ = 0;
    std::uint64_t dropped_unreported_ = 0;
    log_line line_;
};

} // namespace kallglot

#endif
