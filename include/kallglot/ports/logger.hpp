/// Port for logging: a level, a constant message, and a few named values.
///
/// Rooms log without knowing the format or the destination. Text from outside passes one place that bounds and
/// escapes it. `log/logging` formats, writes and counts. Callers never pass secrets, bodies or personal data.

#ifndef KALLGLOT_PORTS_LOGGER_HPP
#define KALLGLOT_PORTS_LOGGER_HPP

#include "kallglot/base/vocabulary.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

namespace kallglot {

enum class log_level : std::uint8_t { debug, info, warn, error };

inline constexpr auto log_level_words = make_vocabulary<log_level>({
    {log_level::debug, "debug"},
    {log_level::info, "info"},
    {log_level::warn, "warn"},
    {log_level::error, "error"},
});

[[nodiscard]] constexpr std::string_view to_string(log_level level) noexcept {
    return log_level_words.text_of(level);
}

/// One named value of an event, for example `{"session", id}` or `{"status", 503}`.
///
/// The key is a literal: letters, digits, underscores. The value may be text from outside. The logger cuts it at 256
/// bytes and escapes what could forge a line.
///
/// Lifetime: has views; use it only within the call that it is written in.
class log_field {
public:
    using value_type = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    log_field(std::string_view key, std::string_view value) noexcept : key_(key), value_(value) {}

    log_field(std::string_view key, const char* value) noexcept
        : key_(key),
          value_(std::string_view(value)) {}

    log_field(std::string_view key, std::same_as<bool> auto value) noexcept
        : key_(key),
          value_(value) {}

    template <std::signed_integral Number>
    log_field(std::string_view key, Number value) noexcept
        : key_(key),
          value_(static_cast<std::int64_t>(value)) {}

    template <std::unsigned_integral Number>
        requires(!std::same_as<Number, bool>)
    log_field(std::string_view key, Number value) noexcept
        : key_(key),
          value_(static_cast<std::uint64_t>(value)) {}

    template <std::floating_point Number>
    log_field(std::string_view key, Number value) noexcept
        : key_(key),
          value_(static_cast<double>(value)) {}

    [[nodiscard]] std::string_view key() const noexcept { return key_; }

    [[nodiscard]] const value_type& value() const noexcept { return value_; }

private:
    std::string_view key_;
    value_type value_;
};

/// Receives log events. The message is a short literal; variable parts go into fields.
///
/// Executor: Loop only. Work on other threads returns values, and the loop logs them.
/// Cost:     no allocation and never blocks; an event that cannot be written at once is dropped and counted.
class logger {
public:
    logger() = default;
    logger(const logger&) = delete;
    logger& operator=(const logger&) = delete;
    virtual ~logger() = default;

    /// Whether events of this level are written. Callers use it to skip the preparation of an event.
    [[nodiscard]] virtual bool enabled(log_level level) const noexcept = 0;

    /// Logs one event; does nothing if the level is not enabled.
    virtual void log(log_level level,
                     std::string_view message,
                     std::span<const log_field> fields) noexcept = 0;

    void debug(std::string_view message, std::initializer_list<log_field> fields = {}) noexcept {
        log(log_level::debug, message, {fields.begin(), fields.size()});
    }

    void info(std::string_view message, std::initializer_list<log_field> fields = {}) noexcept {
        log(log_level::info, message, {fields.begin(), fields.size()});
    }

    void warn(std::string_view message, std::initializer_list<log_field> fields = {}) noexcept {
        log(log_level::warn, message, {fields.begin(), fields.size()});
    }

    void error(std::string_view message, std::initializer_list<log_field> fields = {}) noexcept {
        log(log_level::error, message, {fields.begin(), fields.size()});
    }
};

/// A logger that discards all events, for tools and tests.
class null_logger final : public logger {
public:
    [[nodiscard]] bool enabled(log_level) const noexcept override { return false; }

    void log(log_level, std::string_view, std::span<const log_field>) noexcept override {}
};

} // namespace kallglot

#endif
