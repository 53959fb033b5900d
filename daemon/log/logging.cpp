// An event passes four steps: the level, the counter for the metric, the flood limit, the write. The limit knows a
// message by its hash in a small table without chains: bounded memory, and no allocation on any path.

#include "kallglot/log/logging.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <system_error>
#include <utility>

namespace kallglot {

namespace {

// 20 lines a second for one message: enough to see a pattern, too few to fill a disk.
constexpr auto flood_window = std::chrono::seconds(10);
constexpr std::uint32_t flood_limit = 200;

// The wall clock, with the precision of a line.
log_time system_now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

} // namespace

std::optional<log_level> parse_log_level(std::string_view text) noexcept {
    for (const auto& word : log_level_words) {
        if (word.text == text) {
            return word.value;
        }
    }
    return std::nullopt;
}

// The command line checks the words too, so an empty result is a bug of the caller.
std::optional<log_format> parse_log_format(std::string_view text) noexcept {
    if (text == "logfmt") {
        return log_format::logfmt;
    }
    return text == "json" ? std::optional(log_format::json) : std::nullopt;
}

bool is_journal(int descriptor, const std::string& journal_stream) noexcept {
    struct stat status{};
    if (journal_stream.empty() || ::fstat(descriptor, &status) != 0) {
        return false;
    }
    // The variable is `device:inode` in decimal. A process may inherit it and have another stderr, so both are
    // compared.
    const std::string_view text(journal_stream);
    const char* const end = text.data() + text.size();
    dev_t device = 0;
    ino_t inode = 0;
    // Both numbers must be complete; anything else means that the variable is not from systemd.
    const auto first = std::from_chars(text.data(), end, device);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') {
        return false;
    }
    const auto second = std::from_chars(first.ptr + 1, end, inode);
    return second.ec == std::errc{} && second.ptr == end && device == status.st_dev
           && inode == status.st_ino;
}

// The reader of stderr can end at any time; write then fails with EPIPE, and the line counts as dropped.
void ignore_broken_pipes() noexcept {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

stream_logger::stream_logger(int descriptor, log_options options)
    : stream_logger(descriptor, options, system_now) {}

stream_logger::stream_logger(int descriptor, log_options options, time_source now)
    : sink_(descriptor),
      options_(options),
      now_(std::move(now)) {}

bool stream_logger::enabled(log_level level) const noexcept {
    return level >= options_.min_level;
}

void stream_logger::on_event(std::function<void(log_level)> count) {
    count_ = std::move(count);
}

bool stream_logger::admit(const log_event& event, std::uint64_t& suppressed) noexcept {
    // An operator who enables debug expects every event.
    if (event.level == log_level::debug) {
        return true;
    }
    // Messages are literals, so equal messages are the same event with other fields.
    const std::size_t hash =
        std::hash<std::string_view>{}(event.message) ^ static_cast<std::size_t>(event.level);
    flood_slot& slot = floods_[hash % floods_.size()];
    // Two messages with the same slot evict each other, and neither is limited then: more lines, but none lost.
    // A new message takes over the slot of another one.
    if (slot.hash != hash) {
        slot = {hash, event.time, 0, 0};
    }
    // A clock that was set back begins a new window too.
    if (event.time < slot.begin || event.time - slot.begin >= flood_window) {
        slot.begin = event.time;
        slot.logged = 0;
    }
    // Over the limit: only count. The next line of this message reports the number.
    if (slot.logged == flood_limit) {
        ++slot.suppressed;
        return false;
    }
    ++slot.logged;
    suppressed = std::exchange(slot.suppressed, 0);
    return true;
}

void stream_logger::report_dropped(log_time now) noexcept {
    const log_field fields[] = {{"lines", dropped_unreported_}};
    const log_event event{now,
                          log_level::warn,
                          "log lines dropped: the reader of the log is too slow",
                          fields};
    // If the sink is still full, the count stays and the next event tries again.
    if (sink_.write(line_.format(event, options_.style))) {
        dropped_unreported_ = 0;
    }
}

void stream_logger::log(log_level level,
                        std::string_view message,
                        std::span<const log_field> fields) noexcept {
    // The cheapest test first: most debug events end here.
    if (!enabled(level)) {
        return;
    }
    // Counted before the flood limit: the metric shows what happens, not what is written.
    if (count_) {
        count_(level);
    }
    log_event event{now_(), level, message, fields};
    if (!admit(event, event.suppressed)) {
        return;
    }
    if (dropped_unreported_ != 0) {
        report_dropped(event.time);
    }
    // The report of dropped lines comes before the next line. While it cannot be written, further lines are dropped
    // too.
    if (dropped_unreported_ != 0 || !sink_.write(line_.format(event, options_.style))) {
        ++dropped_lines_;
        ++dropped_unreported_;
    }
}

} // namespace kallglot
