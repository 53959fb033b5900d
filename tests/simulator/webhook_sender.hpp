// Sends webhooks: signed, with retries, and as unreliable as the switches say.

#ifndef KALLGLOT_SIMULATOR_WEBHOOK_SENDER_HPP
#define KALLGLOT_SIMULATOR_WEBHOOK_SENDER_HPP

#include "simulator/api_state.hpp"
#include "simulator/webhook_calendar.hpp"
#include "simulator/webhook_message.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

namespace kallglot::simulator {

/// The settings of a sender, fixed at its start.
struct webhook_settings {
    webhook_target target;
    std::chrono::milliseconds first_retry{std::chrono::minutes{1}};
};

/// Loop only. At most 16 deliveries are in flight, each over a persistent connection.
///
/// Lifetime: state and context outlive it; destroy it after the context's `run` has returned
class webhook_sender {
public:
    webhook_sender(boost::asio::io_context& context,
                   webhook_settings settings,
                   api_state& state,
                   std::function<system_time()> now);

    /// Schedules the events of this session after `from`.
    void add(const session_life& life, system_time from) { calendar_.add(life, from); }

    void start();
    void stop();

private:
    using steady = std::chrono::steady_clock;

    struct delivery {
        steady::time_point due;
        std::uint64_t number; ///< of this delivery: wh_del_…
        unsigned retries;
        system_time made_at;
        std::shared_ptr<const std::string> body;
    };

    struct later {
        bool operator()(const delivery& a, const delivery& b) const { return a.due > b.due; }
    };

    boost::asio::awaitable<void> tick();
    boost::asio::awaitable<void> deliver_all();
    boost::asio::awaitable<bool> deliver(boost::beast::tcp_stream& stream, const delivery& what);
    void enqueue(const webhook_event& event);
    void put(delivery what);
    void over(const delivery& what, bool good);
    [[nodiscard]] bool chance(double share);

    boost::asio::io_context& context_;
    webhook_settings settings_;
    api_state& state_;
    std::function<system_time()> now_;
    webhook_calendar calendar_;
    std::priority_queue<delivery, std::vector<delivery>, later> waiting_;
    boost::asio::steady_timer ticking_;
    boost::asio::steady_timer idle_; ///< cancelled when an event is due
    std::uint64_t deliveries_{0};
    std::uint64_t draws_{0};
    bool stopped_{false};
};

} // namespace kallglot::simulator

#endif
