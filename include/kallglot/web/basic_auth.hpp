/// Basic authentication against bcrypt hashes: `basic_auth_users` of the web configuration.
///
/// A hash takes milliseconds on purpose, so it is computed on a thread of its own, one at a time, and what was right is
/// remembered under a keyed digest: a scrape every few seconds costs one hash in the life of the process. Unknown users
/// cost the same hash as known ones. Decides nothing about paths.

#ifndef KALLGLOT_WEB_BASIC_AUTH_HPP
#define KALLGLOT_WEB_BASIC_AUTH_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/settings/web_settings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace kallglot {

enum class auth_outcome : std::uint8_t {
    allowed,
    refused,
    busy ///< too many hashes wait; ask again
};

/// Loop only. Lifetime: the loop outlives it; check() has ended before it goes.
class basic_auth {
public:
    /// Hashes that may wait for the thread, and remembered credentials.
    static constexpr std::size_t max_waiting = 16;
    static constexpr std::size_t max_remembered = 64;

    explicit basic_auth(loop_executor loop);
    ~basic_auth();
    basic_auth(const basic_auth&) = delete;
    basic_auth& operator=(const basic_auth&) = delete;

    /// Other users from now on; what was remembered of changed ones no longer fits.
    void use(std::vector<basic_auth_user> users);

    /// False: there are no users, so nobody is asked.
    [[nodiscard]] bool enabled() const noexcept { return !users_.empty(); }

    /// Checks the value of an Authorization header. Lifetime: `header` for the first turn only.
    [[nodiscard]] task<auth_outcome> check(std::string_view header);

    /// False if the thread is stuck.
    [[nodiscard]] bool stop(steady_duration patience);

private:
    using digest = std::array<unsigned char, 32>;

    [[nodiscard]] digest digest_of(std::string_view credentials, std::string_view hash) const;

    loop_executor loop_;
    std::vector<basic_auth_user> users_;
    std::array<unsigned char, 32> key_{};   ///< random: digests mean nothing outside this process
    std::deque<digest> remembered_;         ///< right ones, oldest first
    std::unique_ptr<worker_thread> worker_; ///< made with the first user
    std::size_t waiting_ = 0;
};

/// Whether a password belongs to a bcrypt hash. Cost: 2^cost rounds, 5 ms at 8.
[[nodiscard]] bool matches_bcrypt(std::string_view password, std::string_view hash);

} // namespace kallglot

#endif
