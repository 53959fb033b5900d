/// The real poller over real TLS against the simulator, all on one loop: the core of the daemon without files and
/// pages.

#ifndef KALLGLOT_TESTS_INTEGRATION_POLLING_LIVE_POLLER_HPP
#define KALLGLOT_TESTS_INTEGRATION_POLLING_LIVE_POLLER_HPP

#include "kallglot/async/loop_clock.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/net/client/https_client.hpp"
#include "kallglot/polling/poller.hpp"
#include "simulator/simulated_api.hpp"
#include "support/instant_store.hpp"
#include "support/loop.hpp"
#include "support/temporary_folder.hpp"

#include <cstddef>
#include <memory>

namespace kallglot::test {

/// Loop only. Lifetime: the loop outlives it. Before it is destroyed: finish().
class live_poller {
public:
    /// `connections` limits the requests in flight; every session is due each `interval`.
    live_poller(loop& on, std::size_t sessions, std::size_t connections, milliseconds interval);
    ~live_poller();
    live_poller(const live_poller&) = delete;
    live_poller& operator=(const live_poller&) = delete;

    void start();

    /// Ends the client, then the API.
    void finish();

    [[nodiscard]] simulator::api_state& api() { return api_->state(); }

    [[nodiscard]] const api_health& health() const { return gate_.health(); }

    [[nodiscard]] const session_registry& registry() const { return ledger_.sessions(); }

    [[nodiscard]] bool nothing_in_flight() const { return client_->connections().busy == 0; }

private:
    loop& loop_;
    temporary_folder folder_;
    std::unique_ptr<simulator::simulated_api> api_;
    null_logger log_;
    loop_clock clock_;
    session_ledger ledger_{1000};
    poll_schedule schedule_;
    request_gate gate_;
    instant_store store_;
    daemon_metrics metrics_{build_details{"0", "0", "0"}};
    session_changes changes_;
    server_clock api_clock_;
    poller poller_;
    worker_thread worker_;
    resolver resolver_;
    std::unique_ptr<https_client> client_;
};

} // namespace kallglot::test

#endif
