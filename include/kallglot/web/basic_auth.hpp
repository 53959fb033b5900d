/// Basic authentication against bcrypt hashes: `basic_auth_users` of the web configuration.
///
/// A bcrypt hash takes milliseconds by design. It is computed on a worker thread, one at a time. Correct credentials
/// are remembered as a keyed digest, so a regular scrape costs one hash in the life of the process. Unknown users cost
/// the same hash as known ones. Which paths need credentials is decided elsewhere.

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
    busy ///< too many hashes are waiting; the client retries
};

/// Loop only. Lifetime: the loop outlives this object; no check() is running when it is destroyed.
class basic_auth {
public:
    /// Bounds of hashes waiting for the worker thread and of remembered credentials.
    static constexpr std::size_t max_waiting = 16;
    static constexpr std::size_t max_remembered = 64;

    explicit basic_auth(loop_executor loop);
    ~basic_auth();
    basic_auth(const basic_auth&) = delete;
    basic_auth& operator=(const basic_auth&) = delete;

    /// Replaces the users, after a reload. Remembered credentials of changed users no longer match.
    void use(std::vector<basic_auth_user> users);

    /// False without users: then no credentials are required.
    [[nodiscard]] bool enabled() const noexcept { return !users_.empty(); }

    /// Checks the value of an Authorization header. Lifetime: `header` is read only before the first wait.
    [[nodiscard]] task<auth_outcome> check(std::string_view header);

    /// Stops the worker thread. False if it does not end within `patience`.
    [[nodiscard]] bool stop(steady_duration patience);

private:
    using digest = std::array<unsigned char, 32>;

    [[nodiscard]] digest digest_of(std::string_view credentials, std::string_view hash) const;

    loop_executor loop_;
    std::vector<basic_auth_user> users_;
    std::array<unsigned char, 32> key_{};   ///< random, so digests are useless outside this process
    std::deque<digest> remembered_;         ///< digests of correct credentials, oldest first
    std::unique_ptr<worker_thread> worker_; ///< starts with the first user
    std::size_t waiting_ = 0;
};

/// Whether a password matches a bcrypt hash. Cost: 2^cost rounds, 5 ms at 8.
[[nodiscard]] bool matches_bcrypt(std::string_view password, std::string_view hash);

} // namespace kallglot

#endif
