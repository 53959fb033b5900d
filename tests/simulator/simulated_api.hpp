// The simulated API as an object: listens, responds, can be changed while it runs. For the program and for tests, on
// the io_context of the caller.
//
// One loop, one thread. It does not use the daemon's network code, so that client and server cannot share a fault.

#ifndef KALLGLOT_SIMULATOR_SIMULATED_API_HPP
#define KALLGLOT_SIMULATOR_SIMULATED_API_HPP

#include "simulator/api_routes.hpp"
#include "simulator/api_state.hpp"
#include "simulator/connection.hpp"
#include "simulator/control_routes.hpp"
#include "simulator/delay_queue.hpp"
#include "simulator/tls_channel.hpp"
#include "simulator/webhook_sender.hpp"
#include "support/certificates.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::simulator {

/// Settings that are fixed at the start.
struct simulated_api_settings {
    population_settings population;
    fault_plan faults;
    /// None: no limit and no headers.
    std::optional<event_rate> rate_limit;
    event_rate foreign_rate{};
    /// Empty: derived from the seed.
    std::string key;
    boost::asio::ip::tcp::endpoint address{boost::asio::ip::address_v4::loopback(), 0};
    bool plaintext{false};
    bool resumption{true}; ///< of TLS sessions, by tickets
    /// Protocols that are accepted in the handshake, the preferred one first; the faults may replace them.
    std::string alpn{both_protocols};
    /// Replaces the good identity that the simulator makes itself.
    std::optional<test::identity> identity;
    /// None: no webhooks are sent.
    std::optional<webhook_settings> webhooks;
    /// The API's clock; a test may stop or move it.
    std::function<system_time()> now;
    /// Called with the ids of sessions that arrive or are added. Those of the start are in `standing_ids`.
    std::function<void(const std::vector<std::string>&)> on_new_sessions;
};

/// The default API key of the simulator.
[[nodiscard]] std::string default_key(std::uint64_t seed);

/// The simulated API. Loop only.
///
/// Errors:     the constructor throws if a certificate cannot be made or used
/// Lifetime:   destroy it after the context's `run` has returned, or before it is run; `stop` makes
/// it return
class simulated_api final : private connection_host {
public:
    simulated_api(boost::asio::io_context& context, simulated_api_settings settings);
    ~simulated_api();
    simulated_api(const simulated_api&) = delete;
    simulated_api& operator=(const simulated_api&) = delete;

    /// Binds and accepts connections.
    ///
    /// Errors:     the system's error for the address
    [[nodiscard]] boost::system::error_code start();

    /// Closes the listener and all connections; then the context runs out of work.
    void stop();

    /// The listening address; valid after `start`.
    [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

    /// The listening address as `host:port`.
    [[nodiscard]] std::string authority() const;
    [[nodiscard]] std::string base_url() const;

    /// The certificate that a client must trust; empty without TLS, and with an identity of the settings.

    [[nodiscard]] const std::string& authority_pem() const { return authority_pem_; }

    /// Switches and counters.
    api_state& state() override { return state_; }

    [[nodiscard]] system_time now() const { return settings_.now(); }

    /// Ids of the sessions of the start, with stuck and never started ones first.
    [[nodiscard]] std::vector<std::string> standing_ids() const;

private:
    struct client {
        std::unique_ptr<connection> link;
        std::uint32_t generation{0};
    };

    verdict answer(const http_request& request,
                   const request_origin& origin,
                   http_answer& out) override;

    http_answer& blank_answer() override {
        answer_.clear();
        return answer_;
    }

    void handshake_over(bool good, bool resumed) override;

    void wake(std::uint32_t slot, moment when) override;
    void release(std::uint32_t slot) override;

    scratch& buffers() override { return scratch_; }

    void accept_next();
    void admit(client_socket socket);
    void pause_accepting();
    void arm_wake_timer();
    void wake_due();
    void announce_switches();
    void announce_arrivals();
    void announce(const std::vector<std::string>& ids);
    [[nodiscard]] std::chrono::milliseconds latency();

    using acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                        boost::asio::io_context::executor_type>;

    simulated_api_settings settings_;
    api_state state_;
    api_routes api_;
    control_routes control_;
    std::string authority_pem_;
    std::unique_ptr<tls_identity> identity_;

    acceptor acceptor_;
    boost::asio::steady_timer accept_pause_;
    boost::asio::steady_timer wake_timer_;
    boost::asio::steady_timer arrival_timer_;
    std::optional<delay_queue::moment> wake_armed_for_;
    delay_queue waiting_;
    std::vector<client> clients_;
    std::vector<std::uint32_t> free_slots_;
    boost::asio::ip::tcp::endpoint endpoint_;
    std::uint64_t latency_draws_{0};
    scratch scratch_;
    http_answer answer_;
    std::optional<webhook_sender> webhooks_;
    bool stopped_{false};
};

} // namespace kallglot::simulator

#endif
