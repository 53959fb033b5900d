// The part of https_client that opens connections and learns how that went.

#include "kallglot/net/client/https_client.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

// A full handshake takes as much processor time as a hundred polls, and memory that stays.
constexpr std::size_t most_handshakes = 64;

// How long a lack of descriptors is believed in.
constexpr steady_duration scarcity = seconds(1);

/// What a proxy is asked for; empty without one.
std::string tunnel_target(const api_settings& settings) {
    if (!settings.proxy_url) {
        return {};
    }
    const std::string& host = settings.base_url.host;
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(settings.base_url.port);
}

steady_time steady_now() noexcept {
    return std::chrono::steady_clock::now();
}

} // namespace

std::size_t https_client::open_limit() const noexcept {
    return scarce_limit_ ? std::min(*scarce_limit_, settings_.max_connections)
                         : settings_.max_connections;
}

void https_client::open_wanted() {
    const steady_time now = steady_now();
    const std::size_t wanted =
        std::min(waiting_.size() + waiting_for_fresh_.size(), most_handshakes);
    while (!stopping_ && opening_.size() < wanted) {
        if (opening_.size() + idle_.size() + busy_.size() >= open_limit()) {
            // A request that needs a fresh connection may take the place of the oldest idle one.
            if (waiting_for_fresh_.size() <= opening_.size() || idle_.empty()) {
                break;
            }
            https_connection& oldest = *idle_.front();
            oldest.retire();
            move_to(ending_, oldest);
        }
        refresh_addresses(now);
        if (addresses_.empty()) {
            // look_up_host() comes back here.
            if (lookup_deadline_ == no_time) {
                lookup_deadline_ = now + settings_.connect_timeout;
                wake_at(lookup_deadline_);
            }
            break;
        }
        open_one(now);
    }
}

void https_client::open_one(steady_time now) {
    connection_owner& owner = *this;
    auto connection = std::make_unique<https_connection>(executor_,
                                                         owner,
                                                         scratch_,
                                                         tls_,
                                                         tunnel_target(settings_),
                                                         settings_.max_response_size_bytes);
    connection->place = opening_.insert(opening_.end(), connection.get());
    connection->list = &opening_;
    tasks_.spawn("API connection", serve(std::move(connection), addresses_.order(now)));
    wake_at(now + settings_.connect_timeout);
}

task<> https_client::serve(std::unique_ptr<https_connection> connection,
                           std::vector<tcp_endpoint> addresses) {
    error_code error;
    std::exception_ptr bug;
    try {
        error = co_await connection->run(std::move(addresses));
        bug = connection->bug();
    } catch (...) {
        bug = std::current_exception();
        error = errc::connect_failed;
    }
    // Whatever has happened, no list may keep it.
    released(*connection, error);
    if (bug) {
        std::rethrow_exception(bug);
    }
}

void https_client::on_open(https_connection& connection) {
    ++totals_.opened_total;
    note_attempts(connection, error_code());
    // The new addresses work, so nobody needs the old ones any more.
    if (!is_gone(connection)) {
        retire_open([this](const https_connection& other) { return is_gone(other); });
    }
    if (const tls_engine* const engine = connection.engine()) {
        ++totals_.tls_handshakes_total;
        totals_.tls_resumptions_total += engine->resumed() ? 1 : 0;
        totals_.certificate_not_after = engine->peer_not_after();
    }
    move_to(idle_, connection);
    if (!waiting_for_fresh_.empty()) {
        const get_request request = waiting_for_fresh_.front();
        waiting_for_fresh_.pop_front();
        send(connection, request, steady_now());
    } else {
        dispatch(connection);
    }
    open_wanted();
}

void https_client::on_exchanged(https_connection& connection, api_answer& answer) {
    if (scarce_limit_ && answer.received >= scarce_until_) {
        scarce_limit_.reset();
    }
    std::exception_ptr bug;
    try {
        note_answer(connection, answer);
        make_use_of(connection);
    } catch (...) {
        bug = std::current_exception();
    }
    // A poll without an answer would be under way for ever.
    listener_->on_answer(answer);
    if (bug) {
        std::rethrow_exception(bug);
    }
}

void https_client::make_use_of(https_connection& connection) {
    if (connection.idle()) {
        dispatch(connection);
    } else {
        move_to(ending_, connection);
        open_wanted();
    }
}

void https_client::released(https_connection& connection, const error_code& error) {
    connection.list->erase(connection.place);
    if (error) {
        note_attempts(connection, error);
        if (error == errc::no_descriptors) {
            limit_to_what_there_is(steady_now());
        }
        // One connection was opened for one request: the oldest is told, unless others have served it meanwhile.
        std::deque<get_request>& line = waiting_for_fresh_.empty() ? waiting_ : waiting_for_fresh_;
        if (!line.empty() && error != errc::cancelled) {
            const get_request request = line.front();
            line.pop_front();
            answer_failure(request, error, connection.detail());
        }
    }
    open_wanted();
    if (stopping_) {
        wake_at(steady_now());
    }
}

void https_client::note_attempts(const https_connection& connection, const error_code& error) {
    if (error == errc::cancelled || error == errc::no_descriptors) {
        return;
    }
    const steady_time now = steady_now();
    for (const tcp_endpoint& address : connection.attempts().losers()) {
        addresses_.note_failure(address, now);
    }
    if (!error) {
        addresses_.note_success(connection.attempts().peer());
    } else if (connection.attempts().connected()) {
        // It takes connections and does no more: handshakes that fail or never end.
        addresses_.note_failure(connection.attempts().peer(), now);
    }
}

void https_client::note_answer(const https_connection& connection, const api_answer& answer) {
    // Of a proxy's addresses the API's answers say nothing, nor do those that we have cut off.
    if (settings_.proxy_url || answer.error == errc::cancelled
        || answer.error == errc::reused_connection_closed) {
        return;
    }
    const tcp_endpoint peer = connection.attempts().peer();
    const bool good = !answer.error && answer.http_status < 500;
    if (addresses_.note_answer(peer, good, answer.received)) {
        retire_open([&](const https_connection& other) { return other.attempts().peer() == peer; });
    }
}

bool https_client::is_gone(const https_connection& connection) const noexcept {
    return !addresses_.contains(connection.attempts().peer());
}

void https_client::leave_gone_addresses(steady_time now) {
    const bool any = std::ranges::any_of(idle_, [this](auto* each) { return is_gone(*each); })
                     || std::ranges::any_of(busy_, [this](auto* each) { return is_gone(*each); });
    // They go when one of the new addresses has proved to work (on_open), whether or not anybody needs a connection.
    if (any && opening_.empty()) {
        open_one(now);
    }
}

void https_client::limit_to_what_there_is(steady_time now) {
    // Those that are being opened have what they need, or say next that they do not.
    scarce_limit_ = std::max<std::size_t>(1, idle_.size() + busy_.size() + opening_.size());
    scarce_until_ = now + scarcity;
}

void https_client::refresh_addresses(steady_time now) {
    if (addresses_.stale(now) && !lookup_running_) {
        lookup_running_ = true;
        lookups_.spawn("address lookup", look_up_host());
    }
}

task<> https_client::look_up_host() {
    const api_endpoint asked = settings_.base_url;
    const std::optional<proxy_endpoint> through = settings_.proxy_url;
    // Of a proxy's host alone the address is needed: the proxy looks up the API's.
    const auto found = co_await resolver_.resolve(through ? through->host : asked.host,
                                                  through ? through->port : asked.port);
    lookup_running_ = false;
    lookup_deadline_ = no_time;
    if (stopping_) {
        co_return;
    }
    if (asked != settings_.base_url || through != settings_.proxy_url) {
        open_wanted();
        co_return;
    }
    if (found) {
        addresses_.assign(*found, steady_now());
        leave_gone_addresses(steady_now());
        open_wanted();
    } else if (addresses_.empty()) {
        refuse_waiting(found.error());
    } else {
        addresses_.keep(steady_now());
    }
}

void https_client::move_to(connection_list& list, https_connection& connection) noexcept {
    list.splice(list.end(), *connection.list, connection.place);
    connection.list = &list;
}

} // namespace kallglot
