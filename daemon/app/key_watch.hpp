/// Follows the file of the API key: a changed key is used within seconds.

#ifndef KALLGLOT_APP_KEY_WATCH_HPP
#define KALLGLOT_APP_KEY_WATCH_HPP

#include "app/file_follower.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/config/secrets.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/secret.hpp"

#include <functional>
#include <optional>
#include <string>

namespace kallglot {

/// Loop only. Lifetime: as file_follower.
class key_watch {
public:
    /// Uses a key that was read again; false if it cannot be used.
    using key_taker = std::function<bool(const secret&)>;

    key_watch(clock& time, worker& files, logger& log, key_taker take);

    /// Follows this file, from which `key` was read. If it contains another key by now, the first check finds that.
    void use(const std::string& file, const secret& key);

    void stop() { files_.stop(); }

private:
    [[nodiscard]] file_follower::reading read();
    [[nodiscard]] std::optional<unusable_files> apply(const config::secret_result& outcome,
                                                      file_group files);

    logger& log_;
    key_taker take_;
    std::string file_;
    secret key_; ///< as it was read before the first check; empty afterwards
    file_follower files_;
};

} // namespace kallglot

#endif
