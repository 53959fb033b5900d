/// The daemon's log: one line an event to a descriptor, as logfmt or JSON, without ever waiting.
///
/// It formats, limits floods, counts and writes. spdlog is not used: it neither escapes text from outside nor
/// bounds it, and when a pipe is full its sinks either block or queue on a thread that blocks at exit. The log
/// keeps nothing and rotates nothing; that is the business of whoever reads stderr.

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

/// `debug`, `info`, `warn` or `error`, as on the command line.
[[nodiscard]] std::optional<log_level> parse_log_level(std::string_view text) noexcept;

/// `logfmt` or `json`, as on the command line.
[[nodiscard]] std::optional<log_format> parse_log_format(std::string_view text) noexcept;

/// Whether this descriptor is the journal: its device and inode are the ones in `$JOURNAL_STREAM`, which is
/// passed as text (null = not set).
///
/// Source: systemd.exec(5), JOURNAL_STREAM.
[[nodiscard]] bool is_journal(int descriptor, const std::string& journal_stream) noexcept;

/// A write to a closed pipe is an error to be counted, not the end of the process: ignores SIGPIPE. Called once
/// at the start of the program.
void ignore_broken_pipes() noexcept;

struct log_options {
    log_level least = log_level::info;
    log_style style{};
};

/// The logger of the daemon.
///
/// More than 200 events with one message within 10 seconds are left out and counted; the next one that is written
/// says how many in `suppressed`. When lines could not be written, the first one that can is preceded by a line
/// that says how many are missing. Debug events are never left out.
///
/// Executor: Loop only.
/// Lifetime: the descriptor outlives it.
class stream_logger final : public logger {
public:
    using time_source = std::function<log_time()>;

    stream_logger(int descriptor, log_options options);

    /// With a clock of the caller, for tests.
    stream_logger(int descriptor, log_options options, time_source now);

    [[nodiscard]] bool enabled(log_level level) const noexcept override;

    void log(log_level level,
             std::string_view message,
             std::span<const log_field> fields) noexcept override;

    /// Calls this for each event of an enabled level, also for those that are left out or cannot be written. The
    /// function must not throw and not log.
    void on_event(std::function<void(log_level)> count);

    /// Lines that could not be written at once and are lost.
    [[nodiscard]] std::uint64_t dropped_lines() const noexcept { return dropped_lines_; }

private:
    // How often one message was told in the current window.
    struct flood_slot {
        std::size_t hash = 0;
        log_time begin{};
        std::uint32_t told = 0;
        std::uint64_t suppressed = 0;
    };

    [[nodiscard]] bool admit(const log_event& event, std::uint64_t& suppressed) noexcept;
    void tell_dropped(log_time now) noexcept;

    log_sink sink_;
    log_options options_;
    time_source now_;
    std::function<void(log_level)> count_;
    std::array<flood_slot, 64> floods_{};
    std::uint64_t dropped_lines_ = 0;
    std::uint64_t dropped_untold_ = 0;
    log_line line_;
};

} // namespace kallglot

#endif
