/// The logins that wait for their password hash: which is next, and which leaves a full queue.
///
/// A network that tries many logins comes last and leaves first. So a flood of wrong logins does not lock out a client
/// from another network. Pure: time is passed in; it does not know how a login waits.

#ifndef KALLGLOT_WEB_LOGIN_QUEUE_HPP
#define KALLGLOT_WEB_LOGIN_QUEUE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "web/login_ledger.hpp"

#include <cstddef>
#include <vector>

namespace kallglot {

class login_queue {
public:
    /// A login in the queue. Lifetime: it is removed before it ends.
    struct login {
        peer_network from;
    };

    static constexpr std::size_t capacity = 15;

    /// Adds a login. Returns the one that leaves a full queue for it, which may be itself; null if there was room.
    [[nodiscard]] login* add(login& fresh, const login_ledger& networks, steady_time now);

    /// Removes and returns the login whose hash is computed next; null if none waits.
    [[nodiscard]] login* take_next(const login_ledger& networks, steady_time now);

    /// Removes a login that does not wait any more, if it is in the queue.
    void remove(const login& gone) noexcept;

private:
    /// The allowance of a login's network, less its logins that are ahead in the queue.
    [[nodiscard]] double standing(std::size_t position,
                                  const login_ledger& networks,
                                  steady_time now) const;

    std::vector<login*> waiting_; ///< the oldest first
};

} // namespace kallglot

#endif
