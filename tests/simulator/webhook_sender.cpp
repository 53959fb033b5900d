#include "simulator/webhook_sender.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <exception>
#include <utility>

namespace kallglot::simulator {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::size_t deliveries_at_once = 16;
constexpr std::size_t max_waiting = 100'000;
constexpr std::chrono::milliseconds tick_length{10};
constexpr std::chrono::seconds answer_limit{30}; // the API's timeout for an endpoint
constexpr std::uint64_t shuffled_within_ms = 2000;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

/// An exception out of a coroutine is a bug and ends the program.
void raise(const std::exception_ptr& bug) {
    if (bug) {
        std::rethrow_exception(bug);
    }
}

} // namespace

webhook_sender::webhook_sender(asio::io_context& context,
                               webhook_settings settings,
                               api_state& state,
                               std::function<system_time()> now)
    : context_(context),
      settings_(std::move(settings)),
      state_(state),
      now_(std::move(now)),
      ticking_(context),
      idle_(context, steady::time_point::max()) {}

void webhook_sender::start() {
    asio::co_spawn(context_, tick(), raise);
    for (std::size_t i = 0; i < deliveries_at_once; ++i) {
        asio::co_spawn(context_, deliver_all(), raise);
    }
}

void webhook_sender::stop() {
    stopped_ = true;
    ticking_.cancel();
    idle_.cancel();
}

asio::awaitable<void> webhook_sender::tick() {
    while (!stopped_) {
        while (const auto event = calendar_.take_due(now_())) {
            enqueue(*event);
        }
        if (!waiting_.empty() && waiting_.top().due <= steady::now()) {
            idle_.cancel();
        }
        ticking_.expires_after(tick_length);
        co_await ticking_.async_wait(as_tuple);
    }
}

void webhook_sender::enqueue(const webhook_event& event) {
    webhook_stats& stats = state_.stats.webhooks;
    const webhook_faults& faults = state_.faults.webhooks;
    ++stats.made;
    if (chance(faults.lost)) {
        ++stats.lost;
        return;
    }
    auto due = steady::now();
    if (chance(faults.late)) {
        due += faults.delay;
    }
    if (chance(faults.shuffled)) {
        due += std::chrono::milliseconds{scatter(++draws_) % shuffled_within_ms};
    }
    const auto body = std::make_shared<const std::string>(
        webhook_body(event, state_.sessions.id_of(event.life.number)));
    put(delivery{due, ++deliveries_, 0, event.at, body});
    if (chance(faults.twice)) {
        put(delivery{due, ++deliveries_, 0, event.at, body});
    }
}

void webhook_sender::put(delivery what) {
    webhook_stats& stats = state_.stats.webhooks;
    if (waiting_.size() >= max_waiting) {
        ++stats.given_up;
        return;
    }
    waiting_.push(std::move(what));
    stats.waiting = waiting_.size();
}

asio::awaitable<void> webhook_sender::deliver_all() {
    beast::tcp_stream stream(context_);
    while (!stopped_) {
        if (waiting_.empty() || waiting_.top().due > steady::now()) {
            co_await idle_.async_wait(as_tuple);
            continue;
        }
        const delivery what = waiting_.top();
        waiting_.pop();
        state_.stats.webhooks.waiting = waiting_.size();
        bool good = false;
        try {
            good = co_await deliver(stream, what);
        } catch (const boost::system::system_error&) {
            stream.close();
        }
        over(what, good);
    }
}

asio::awaitable<bool> webhook_sender::deliver(beast::tcp_stream& stream, const delivery& what) {
    const webhook_target& target = settings_.target;
    stream.expires_after(answer_limit);
    if (!stream.socket().is_open()) {
        asio::ip::tcp::resolver resolver(context_);
        const auto found =
            co_await resolver.async_resolve(target.host, target.port, asio::use_awaitable);
        co_await stream.async_connect(found, asio::use_awaitable);
        stream.socket().set_option(asio::ip::tcp::no_delay(true));
    }
    http::request<http::string_body> request(http::verb::post, target.path, 11);
    request.set(http::field::host, target.host + ":" + target.port);
    request.set(http::field::content_type, "application/json");
    request.set("Kallglot-Signature", sign_webhook(target.secret, *what.body, now_()));
    request.set("Kallglot-Webhook-Id", "wh_del_" + std::to_string(what.number));
    request.set("Kallglot-Retry-Count", std::to_string(what.retries));
    request.set(
        "Kallglot-Original-Timestamp",
        std::to_string(
            std::chrono::floor<std::chrono::seconds>(what.made_at).time_since_epoch().count()));
    request.body() = *what.body;
    request.prepare_payload();
    co_await http::async_write(stream, request, asio::use_awaitable);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, asio::use_awaitable);
    if (!response.keep_alive()) {
        stream.close();
    }
    co_return http::to_status_class(response.result()) == http::status_class::successful;
}

void webhook_sender::over(const delivery& what, bool good) {
    webhook_stats& stats = state_.stats.webhooks;
    if (good) {
        ++stats.delivered;
        return;
    }
    ++stats.failed_attempts;
    const auto delay = webhook_retry_delay(what.retries + 1, settings_.first_retry);
    if (delay.count() == 0) {
        ++stats.given_up;
        return;
    }
    delivery again = what;
    again.due = steady::now() + delay;
    ++again.retries;
    put(std::move(again));
}

bool webhook_sender::chance(double share) {
    return static_cast<double>(scatter(++draws_) >> 11U) * 0x1p-53 < share;
}

} // namespace kallglot::simulator
