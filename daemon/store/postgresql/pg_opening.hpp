/// Opens one connection to the first of several PostgreSQL servers that is a primary.
///
/// libpq can be given a list of hosts, but it leaves a host that drops packets only when the system's timeout of minutes is
/// over: PQconnectPoll ignores its own connect_timeout. So each address has a connection of its own here. The next one starts
/// after 250 ms or at a failure, and the first that is logged in to a primary wins (as net/client/connector does for the API).

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_OPENING_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_OPENING_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/ports/address_lookup.hpp"
#include "store/postgresql/pg_connection.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// A server as the settings name it.
struct pg_host {
    std::string name; ///< a host name, an IP address, or the folder of a Unix socket
    std::uint16_t port = 5432;
};

struct pg_opening_limits {
    steady_duration head_start = milliseconds(250); ///< of an address before the next one
    steady_duration each =
        seconds(3); ///< one address, from the connect to the answer that it is a primary
    steady_duration all = seconds(10); ///< everything, lookups included
};

/// Used once. Loop only. Lifetime: worker and lookup outlive it; it outlives its open().
class pg_opening {
public:
    /// More addresses than this are not tried.
    static constexpr std::size_t max_addresses = 16;

    pg_opening(loop_executor executor,
               worker& blocking,
               address_lookup& names,
               pg_environment proof,
               pg_opening_limits limits,
               task_group::failure_handler on_bug);
    pg_opening(const pg_opening&) = delete;
    pg_opening& operator=(const pg_opening&) = delete;

    /// Without fault there is a connection: take().
    ///
    /// Errors: if no server is of use, the fault that says most: of a server that answered rather than of one that did not.
    /// Cancel: terminal, at once, apart from a step that is stuck on the worker (see pg_connection). No connection stays open.
    [[nodiscard]] task<pg_fault> open(std::vector<pg_host> hosts,
                                      std::shared_ptr<const pg_login> login);

    /// The connection; null without one.
    [[nodiscard]] std::unique_ptr<pg_connection> take() { return std::move(winner_); }

    /// The host of the connection, or of the fault, as an index of `hosts`: log lines name it as the operator did.
    [[nodiscard]] std::size_t host() const noexcept { return host_; }

private:
    struct candidate {
        std::size_t host = 0;
        pg_address address;
    };

    task<> look_up(std::size_t index, pg_host host);
    task<> attempt(candidate to, std::shared_ptr<const pg_login> login);
    task<> race(std::shared_ptr<const pg_login> login);
    void note(std::size_t host, const pg_fault& fault) noexcept;
    [[nodiscard]] bool nothing_left() const noexcept;

    loop_executor executor_;
    worker& worker_;
    address_lookup& names_;
    pg_environment environment_;
    pg_opening_limits limits_;
    steady_timer wake_;
    task_group children_;
    std::deque<candidate> waiting_; ///< addresses that were not tried
    std::size_t lookups_ = 0;       ///< under way
    std::size_t attempts_ = 0;      ///< under way
    std::size_t tried_ = 0;
    bool start_next_ = true;
    std::unique_ptr<pg_connection> winner_;
    pg_fault fault_; ///< the one that says most so far
    std::size_t host_ = 0;
    steady_time deadline_;
};

} // namespace kallglot

#endif
