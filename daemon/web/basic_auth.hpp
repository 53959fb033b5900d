/// Basic authentication against bcrypt hashes: `basic_auth_users` of the web configuration.
///
/// A bcrypt hash takes milliseconds by design. It is computed on a worker thread, one at a time. Correct credentials
/// are remembered as a keyed digest, so a regular scrape costs one hash in the life of the process. Every wrong login
/// takes as long as the most expensive hash, so that its time reveals nothing about the user. Which paths need credentials
/// is decided elsewhere.

#ifndef KALLGLOT_WEB_BASIC_AUTH_HPP
#define KALLGLOT_WEB_BASIC_AUTH_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/settings/web_settings.hpp"
#include "web/login_ledger.hpp"
#include "web/login_queue.hpp"

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

/// Loop only. Lifetime: loop and clock outlive this object; no check() is running when it is destroyed.
class basic_auth {
public:
    /// Bound of remembered credentials.
    static constexpr std::size_t max_remembered = 64;

    basic_auth(loop_executor loop, const clock& time);
    ~basic_auth();
    basic_auth(const basic_auth&) = delete;
    basic_auth& operator=(const basic_auth&) = delete;

    /// Replaces the users, after a reload. Remembered credentials of changed users no longer match.
    void use(std::vector<basic_auth_user> users);

    /// False without users: then no credentials are required.
    [[nodiscard]] bool enabled() const noexcept { return !users_.empty(); }

    /// Checks the value of an Authorization header that came from a network. Hashes are computed one at a time, in the
    /// order of login_queue. Lifetime: `header` is read only before the first wait.
    ///
    /// Cancel: terminal; the result is busy.
    [[nodiscard]] task<auth_outcome> check(std::string_view header, peer_network from);

    /// Stops the worker thread. False if it does not end within `patience`.
    [[nodiscard]] bool stop(steady_duration patience);

private:
    using digest = std::array<unsigned char, 32>;

    class waiting_login;

    [[nodiscard]] digest digest_of(std::string_view credentials, std::string_view hash) const;
    [[nodiscard]] std::string costliest_hash() const;
    [[nodiscard]] task<bool> wait_for_turn(waiting_login* mine);
    void begin_next();

    loop_executor loop_;
    const clock& clock_;
    std::vector<basic_auth_user> users_;
    std::array<unsigned char, 32> key_{};   ///< random, so digests are useless outside this process
    std::deque<digest> remembered_;         ///< digests of correct credentials, oldest first
    std::unique_ptr<worker_thread> worker_; ///< starts with the first user
    login_ledger networks_;                 ///< logins that needed a hash
    login_queue queue_;
    bool is_hashing_ = false; ///< the worker computes the hash of one login
};

/// Whether a password matches a bcrypt hash. Cost: 2^cost rounds, 5 ms at 8.
[[nodiscard]] bool matches_bcrypt(std::string_view password, std::string_view hash);

/// As matches_bcrypt(), but if the password is wrong it takes as long as it would with `costliest`.
[[nodiscard]] bool matches_in_equal_time(std::string_view password,
                                         std::string_view hash,
                                         std::string_view costliest);

} // namespace kallglot

#endif
