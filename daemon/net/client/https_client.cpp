#include "kallglot/net/client/https_client.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kallglot {

namespace {

steady_time steady_now() noexcept {
    return std::chrono::steady_clock::now();
}

} // namespace

https_client::https_client(loop_executor executor,
                           resolver& names,
                           task_group::failure_handler on_bug)
    : executor_(executor),
      resolver_(names),
      timer_(executor),
      on_bug_(on_bug),
      lookups_(executor, on_bug),
      tasks_(executor, on_bug) {}

bool https_client::configure(const api_settings& settings,
                             const std::optional<tls_context>& tls,
                             const secret& key,
                             std::string user_agent) {
    if (!request_text::acceptable(key.reveal())) {
        return false;
    }
    assert(settings.base_url.tls == tls.has_value());
    const bool same_host =
        settings.base_url == settings_.base_url && settings.proxy_url == settings_.proxy_url;
    const bool same_trust =
        tls.has_value() == tls_.has_value() && (!tls || tls->native() == tls_->native());
    settings_ = settings;
    tls_ = tls;
    user_agent_ = std::move(user_agent);
    text_ = std::make_unique<request_text>(settings_.base_url, user_agent_, key);
    if (!same_host) {
        addresses_.clear();
    }
    if (!same_host || !same_trust) {
        drain();
    }
    return true;
}

bool https_client::use_key(const secret& key) {
    if (!request_text::acceptable(key.reveal())) {
        return false;
    }
    text_ = std::make_unique<request_text>(settings_.base_url, user_agent_, key);
    return true;
}

std::size_t https_client::capacity() const noexcept {
    const std::size_t taken =
        busy_.size() + waiting_.size() + waiting_for_fresh_.size() + refused_.size();
    const std::size_t limit = open_limit();
    return stopping_ || taken >= limit ? 0 : limit - taken;
}

void https_client::get(request_permit permit, const get_request& request) {
    assert(permit.valid() && listener_ != nullptr && text_ != nullptr);
    [[maybe_unused]] const request_permit spent = std::move(permit);
    const steady_time now = steady_now();
    if (stopping_) {
        refused_.push_back(request);
        wake_at(now);
        return;
    }
    refresh_addresses(now);
    if (request.fresh_connection) {
        waiting_for_fresh_.push_back(request);
    } else if (https_connection* const connection = take_idle(now)) {
        send(*connection, request, now);
        return;
    } else {
        waiting_.push_back(request);
    }
    open_wanted();
}

https_connection* https_client::take_idle(steady_time now) {
    // The most recently used first, so that surplus ones grow old and go.
    while (!idle_.empty()) {
        https_connection& connection = *idle_.back();
        const bool expired = now - connection.since() >= idle_limit(connection);
        if (!expired && connection.ready()) {
            return &connection;
        }
        connection.end(errc::connection_closed);
        move_to(ending_, connection);
    }
    return nullptr;
}

void https_client::send(https_connection& connection, const get_request& request, steady_time now) {
    move_to(busy_, connection);
    connection.send(request, text_->render(request.id), now);
    wake_at(now + settings_.request_timeout);
}

void https_client::dispatch(https_connection& connection) {
    // Whoever needs a connection that has carried nothing is served by a new one only, and waits for room if need be.
    const std::size_t there_are = idle_.size() + busy_.size() + opening_.size();
    const bool crowded = there_are > open_limit();
    const bool make_room =
        !waiting_for_fresh_.empty() && opening_.empty() && there_are == open_limit();
    move_to(idle_, connection);
    if (crowded || make_room) {
        connection.retire();
        move_to(ending_, connection);
        open_wanted();
    } else if (waiting_.empty()) {
        wake_at(connection.since() + idle_limit(connection));
    } else if (connection.is_new() || connection.ready()) {
        const get_request request = waiting_.front();
        waiting_.pop_front();
        send(connection, request, connection.since());
    } else {
        // What came behind its last answer would count as the next one. A new one is used whatever has come: each costs a
        // request, so that a peer that closes at once is told as a failure.
        connection.end(errc::connection_closed);
        move_to(ending_, connection);
        open_wanted();
    }
}

void https_client::answer_failure(const get_request& request,
                                  const error_code& error,
                                  std::string_view detail) {
    api_answer answer;
    answer.slot = request.slot;
    answer.error = error;
    answer.detail = detail;
    answer.received = steady_now();
    listener_->on_answer(answer);
}

void https_client::refuse_waiting(const error_code& error) {
    // Taken out first: an answer may bring the next get().
    std::deque<get_request> all = std::exchange(waiting_for_fresh_, {});
    all.insert(all.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    for (const get_request& request : all) {
        answer_failure(request, error, {});
    }
}

void https_client::drain() {
    for (https_connection* const connection : opening_) {
        connection->retire();
    }
    retire_open([](const https_connection&) { return true; });
}

void https_client::retire_open(const std::function<bool(const https_connection&)>& which) {
    for (const connection_list* const list : {&idle_, &busy_}) {
        for (https_connection* const connection : *list) {
            if (which(*connection)) {
                connection->retire();
            }
        }
    }
}

void https_client::stop() {
    if (stopping_) {
        return;
    }
    stopping_ = true;
    drain();
    lookups_.cancel(asio::cancellation_type::terminal);
    lookup_deadline_ = no_time;
    refuse_waiting(errc::cancelled);
    wake_at(steady_now());
}

void https_client::cut() {
    stop();
    for (https_connection* const connection : busy_) {
        connection->end(errc::cancelled);
    }
}

task<> https_client::join() {
    co_await tasks_.join();
    co_await lookups_.join();
}

api_connection_counts https_client::connections() const noexcept {
    api_connection_counts counts = totals_;
    counts.idle = idle_.size();
    counts.busy = busy_.size();
    counts.opening = opening_.size();
    return counts;
}

} // namespace kallglot
