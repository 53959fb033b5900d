/// Remembers for each network how many logins it may still try. Time restores them, and so does a right login.
///
/// Clients that guess thus come after clients that do not. No network is shut out for good, since all clients behind one
/// proxy or NAT share one. Pure: time is passed in.

#ifndef KALLGLOT_WEB_LOGIN_LEDGER_HPP
#define KALLGLOT_WEB_LOGIN_LEDGER_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/net/server/http_server_types.hpp"

#include <cstddef>
#include <vector>

namespace kallglot {

class login_ledger {
public:
    /// Logins at once, and the time that restores one of them.
    static constexpr double full_allowance = 10;
    static constexpr seconds restores_one{1};
    /// Bound of remembered networks. The one whose last login is longest ago is dropped.
    static constexpr std::size_t max_networks = 256;

    /// Logins that a network may still try, 0 to `full_allowance`.
    [[nodiscard]] double allowance(const peer_network& from, steady_time now) const;

    /// Takes one login from the allowance of its network. False if there was none left.
    bool charge(const peer_network& from, steady_time now);

    /// Restores the whole allowance, after a right login.
    void restore(const peer_network& from);

private:
    struct entry {
        peer_network network;
        double left = full_allowance; ///< as of `at`
        steady_time at;               ///< of the last login
    };

    [[nodiscard]] static double left_of(const entry& one, steady_time now) noexcept;

    std::vector<entry> entries_;
};

} // namespace kallglot

#endif
