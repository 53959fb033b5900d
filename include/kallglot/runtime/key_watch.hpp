/// Follows the file of the API key: another key is used within seconds of its file having changed.
///
/// Looks at the file every two seconds (file_identity). One that is missing or bad for the moment changes nothing.

#ifndef KALLGLOT_RUNTIME_KEY_WATCH_HPP
#define KALLGLOT_RUNTIME_KEY_WATCH_HPP

#include "kallglot/core/settings/secret.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/runtime/file_identity.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace kallglot {

/// Loop only. Lifetime: clock and logger outlive it.
class key_watch {
public:
    /// Takes a key that was read anew; false if it cannot be used.
    using key_taker = std::function<bool(const secret&)>;

    key_watch(clock& time, logger& log, key_taker take);

    /// Follows this file, from which `key` was read: if it holds another by now, that is found at the first look.
    /// Blocking: reads the file.
    void use(std::filesystem::path file, const secret& key);

    void start();

    void stop() { timer_->cancel(); }

private:
    void look();
    /// Whether these contents need no second look.
    [[nodiscard]] bool read();

    clock& clock_;
    logger& log_;
    key_taker take_;
    std::filesystem::path file_;
    std::optional<file_identity> seen_;
    std::string told_; ///< the fault that the log has already
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
