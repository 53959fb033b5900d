#include "kallglot/net/client/https_client.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kallglot {

namespace {

// Handshakes at a time. A full handshake takes as much processor time as a hundred polls.
constexpr std::size_t max_handshakes = 64;

// How long the pool stays limited after a lack of descriptors.
constexpr steady_duration scarcity = seconds(1);

/// The `host:port` for the proxy's CONNECT; empty without a proxy.
std::string tunnel_target(const api_settings& settings) {
    if (!settings.proxy_url) {
        return {};
    }
    // IPv6 addresses need brackets in host:port.
    const std::string& host = settings.base_url.host;
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(settings.base_url.port);
}

// Asio's timer runs on this clock.
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

// Also called while requests are in flight. Their connections end afterwards if they are obsolete.
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
    // A connection is bound to its host, proxy and trust. Everything else applies to the next request.
    if (!same_host) {
        addresses_.clear();
    }
    if (!same_host || !same_trust) {
        drain();
    }
    return true;
}

// A watched key file has changed: connections stay, only the text of the requests is new.
bool https_client::use_key(const secret& key) {
    if (!request_text::acceptable(key.reveal())) {
        return false;
    }
    text_ = std::make_unique<request_text>(settings_.base_url, user_agent_, key);
    return true;
}

// Requests that get() accepts now without a limit being exceeded.
std::size_t https_client::capacity() const noexcept {
    // Waiting requests will each need a connection, so they count as connections in use.
    const std::size_t taken =
        busy_.size() + waiting_.size() + waiting_for_fresh_.size() + refused_.size();
    const std::size_t limit = open_limit();
    return stopping_ || taken >= limit ? 0 : limit - taken;
}

void https_client::get(request_permit permit, const get_request& request) {
    assert(permit.valid() && listener_ != nullptr && text_ != nullptr);
    [[maybe_unused]] const request_permit spent = std::move(permit);
    const steady_time now = steady_now();
    // Answered later by the housekeeping: a callback from inside get() could enter the caller a second time.
    if (stopping_) {
        refused_.push_back(request);
        wake_at(now);
        return;
    }
    refresh_addresses(now);
    // The next request after a failure on a reused connection asks for a fresh one.
    if (request.fresh_connection) {
        waiting_for_fresh_.push_back(request);
    } else if (https_connection* const connection = take_idle(now)) {
        send(*connection, request, now);
        return;
    } else {
        waiting_.push_back(request);
    }
    open_connections();
}

// An idle connection that can take a request; null if there is none.
https_connection* https_client::take_idle(steady_time now) {
    // The most recently used first, so that surplus connections reach their idle timeout.
    while (!idle_.empty()) {
        https_connection& connection = *idle_.back();
        // An idle timeout may be over before the timer has fired.
        const bool expired = now - connection.since() >= idle_limit(connection);
        if (!expired && connection.ready()) {
            return &connection;
        }
        connection.end(errc::connection_closed);
        move_to(ending_, connection);
    }
    return nullptr;
}

// Sends a request on an idle connection. The sweep ends it at the request timeout.
void https_client::send(https_connection& connection, const get_request& request, steady_time now) {
    move_to(busy_, connection);
    connection.send(request, text_->render(request.id), now);
    wake_at(now + settings_.request_timeout);
}

// Decides what a connection that has become free does next: end, stay idle, or take the next waiting request.
void https_client::dispatch(https_connection& connection) {
    // A request that needs a fresh connection is served by a new one only. At the limit, this connection makes room.
    const std::size_t there_are = idle_.size() + busy_.size() + opening_.size();
    const bool crowded = there_are > open_limit();
    const bool make_room =
        !waiting_for_fresh_.empty() && opening_.empty() && there_are == open_limit();
    // A lowered limit is reached by retiring each surplus connection as it becomes free.
    move_to(idle_, connection);
    if (crowded || make_room) {
        connection.retire();
        move_to(ending_, connection);
        open_connections();
    } else if (waiting_.empty()) {
        wake_at(connection.since() + idle_limit(connection));
    } else if (connection.is_new() || connection.ready()) {
        const get_request request = waiting_.front();
        waiting_.pop_front();
        send(connection, request, connection.since());
    } else {
        // Bytes behind its last answer would count as the next answer, so the connection must end. A new connection is
        // used even then: its request fails, so a peer that closes every connection at once is reported as a failure.
        connection.end(errc::connection_closed);
        move_to(ending_, connection);
        open_connections();
    }
}

// Answers a request that was never sent on a connection.
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

// Answers all requests that wait for a connection.
void https_client::fail_waiting(const error_code& error) {
    // Taken out first, because the listener may call get() from inside an answer.
    std::deque<get_request> all = std::exchange(waiting_for_fresh_, {});
    all.insert(all.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    for (const get_request& request : all) {
        answer_failure(request, error, {});
    }
}

// Ends every connection, at the latest after its exchange. Used when the connections are obsolete and when the pool
// stops.
void https_client::drain() {
    // A connection that is opening carries no request yet and ends at once.
    for (https_connection* const connection : opening_) {
        connection->retire();
    }
    retire_open([](const https_connection&) { return true; });
}

// Connections are not moved here: an idle one leaves its list when its task ends.
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
    // From here on get() refuses requests, and no connection or lookup starts.
    stopping_ = true;
    drain();
    lookups_.cancel(asio::cancellation_type::terminal);
    // Requests that wait for a connection would get none any more.
    lookup_deadline_ = no_time;
    fail_waiting(errc::cancelled);
    wake_at(steady_now());
}

void https_client::cut() {
    stop();
    // The idle ones have ended with stop(); the busy ones are what it waits for.
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

// Connections ---------------------------------------------------------------------------------------------------------

// The limit of the configuration, or a lower one while descriptors are short.
std::size_t https_client::open_limit() const noexcept {
    return scarce_limit_ ? std::min(*scarce_limit_, settings_.max_connections)
                         : settings_.max_connections;
}

// Opens connections for the waiting requests, up to the limits.
void https_client::open_connections() {
    const steady_time now = steady_now();
    // One connection for each waiting request. Connections that become free meanwhile serve requests as well, and what
    // is then surplus stays idle.
    const std::size_t needed =
        std::min(waiting_.size() + waiting_for_fresh_.size(), max_handshakes);
    while (!stopping_ && opening_.size() < needed) {
        if (opening_.size() + idle_.size() + busy_.size() >= open_limit()) {
            // A request that needs a fresh connection may replace the oldest idle connection.
            if (waiting_for_fresh_.size() <= opening_.size() || idle_.empty()) {
                break;
            }
            https_connection& oldest = *idle_.front();
            oldest.retire();
            move_to(ending_, oldest);
        }
        refresh_addresses(now);
        if (addresses_.empty()) {
            // look_up_host() calls this function again. Until then the requests wait, up to a deadline.
            if (lookup_deadline_ == no_time) {
                lookup_deadline_ = now + settings_.connect_timeout;
                wake_at(lookup_deadline_);
            }
            break;
        }
        open_one(now);
    }
}

// Opens one connection. Its task owns it; the lists only refer to it.
void https_client::open_one(steady_time now) {
    connection_owner& owner = *this;
    auto connection = std::make_unique<https_connection>(executor_,
                                                         owner,
                                                         scratch_,
                                                         tls_,
                                                         tunnel_target(settings_),
                                                         settings_.max_response_size_bytes);
    connection->position = opening_.insert(opening_.end(), connection.get());
    connection->list = &opening_;
    tasks_.spawn("API connection", serve(std::move(connection), addresses_.order(now)));
    wake_at(now + settings_.connect_timeout);
}

// The task of one connection, from the connect to its end.
task<> https_client::serve(std::unique_ptr<https_connection> connection,
                           std::vector<tcp_endpoint> addresses) {
    error_code error;
    std::exception_ptr bug;
    // A bug in one connection must not stop the pool: its request is answered, then the group reports the bug.
    try {
        error = co_await connection->run(std::move(addresses));
        bug = connection->bug();
    } catch (...) {
        bug = std::current_exception();
        error = errc::connect_failed;
    }
    // In every case: the connection is destroyed when this returns, so no list may refer to it.
    released(*connection, error);
    if (bug) {
        std::rethrow_exception(bug);
    }
}

// A connection is open: gives it the first request.
void https_client::on_open(https_connection& connection) {
    ++totals_.opened_total;
    note_attempts(connection, error_code());
    // A new address works, so connections to addresses that the DNS no longer lists can end.
    if (!is_gone(connection)) {
        retire_open([this](const https_connection& other) { return is_gone(other); });
    }
    if (const tls_engine* const engine = connection.engine()) {
        ++totals_.tls_handshakes_total;
        totals_.tls_resumptions_total += engine->resumed() ? 1 : 0;
        totals_.certificate_not_after = engine->peer_not_after();
    }
    // Only a new connection can serve these, so they come before other waiting requests.
    move_to(idle_, connection);
    if (!waiting_for_fresh_.empty()) {
        const get_request request = waiting_for_fresh_.front();
        waiting_for_fresh_.pop_front();
        send(connection, request, steady_now());
    } else {
        dispatch(connection);
    }
    open_connections();
}

// An exchange is complete, with a response or an error. The connection gets its next request before the listener is
// called, so that it does not wait for the listener.
void https_client::on_exchanged(https_connection& connection, api_answer& answer) {
    // An answer after the pause shows that descriptors suffice; the pool may grow again.
    if (scarce_limit_ && answer.received >= scarce_until_) {
        scarce_limit_.reset();
    }
    std::exception_ptr bug;
    try {
        note_answer(connection, answer);
        reuse_or_release(connection);
    } catch (...) {
        bug = std::current_exception();
    }
    // Even after a bug: without an answer the poll would stay in flight without end.
    listener_->on_answer(answer);
    if (bug) {
        std::rethrow_exception(bug);
    }
}

// After an exchange: the connection is free again, or it ends and another may be opened in its place.
void https_client::reuse_or_release(https_connection& connection) {
    if (connection.idle()) {
        dispatch(connection);
    } else {
        move_to(ending_, connection);
        open_connections();
    }
}

// The task of a connection has ended. With an error, the connection did not open.
void https_client::released(https_connection& connection, const error_code& error) {
    connection.list->erase(connection.position);
    if (error) {
        note_attempts(connection, error);
        if (error == errc::no_descriptors) {
            limit_to_open_connections(steady_now());
        }
        // Each connection is opened for one request, so each failure to open is reported to one: the oldest that waits.
        std::deque<get_request>& line = waiting_for_fresh_.empty() ? waiting_ : waiting_for_fresh_;
        if (!line.empty() && error != errc::cancelled) {
            const get_request request = line.front();
            line.pop_front();
            answer_failure(request, error, connection.detail());
        }
    }
    open_connections();
    // The housekeeping ends with the last connection, so it must look again.
    if (stopping_) {
        wake_at(steady_now());
    }
}

// Records which addresses accepted connections and which did not.
void https_client::note_attempts(const https_connection& connection, const error_code& error) {
    // Neither says anything about the address.
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
        // The address accepts connections, but handshakes fail or do not end.
        addresses_.note_failure(connection.attempts().peer(), now);
    }
}

// Records whether the address answers well; leaves it if it alone does not.
void https_client::note_answer(const https_connection& connection, const api_answer& answer) {
    // Behind a proxy, answers say nothing about the proxy's address. Aborted requests say nothing at all.
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

// Whether the DNS no longer lists the address of a connection.
bool https_client::is_gone(const https_connection& connection) const noexcept {
    return !addresses_.contains(connection.attempts().peer());
}

// After a lookup: moves to the new addresses.
void https_client::leave_gone_addresses(steady_time now) {
    const bool any = std::ranges::any_of(idle_, [this](auto* each) { return is_gone(*each); })
                     || std::ranges::any_of(busy_, [this](auto* each) { return is_gone(*each); });
    // Opened even if no request waits: on_open() retires the old connections once a new address has proved to work.
    if (any && opening_.empty()) {
        open_one(now);
    }
}

// The process is out of descriptors: the pool makes do with the connections it has.
void https_client::limit_to_open_connections(steady_time now) {
    // Connections that are opening have their descriptor already, or will report the lack next.
    scarce_limit_ = std::max<std::size_t>(1, idle_.size() + busy_.size() + opening_.size());
    scarce_until_ = now + scarcity;
}

// Starts a lookup if one is due. Requests use the old addresses meanwhile.
void https_client::refresh_addresses(steady_time now) {
    if (addresses_.stale(now) && !lookup_running_) {
        lookup_running_ = true;
        lookups_.spawn("address lookup", look_up_host());
    }
}

// Looks up the API's host and applies the result.
task<> https_client::look_up_host() {
    const api_endpoint asked = settings_.base_url;
    const std::optional<proxy_endpoint> through = settings_.proxy_url;
    // With a proxy, only the proxy's name is looked up; the proxy looks up the API's.
    const auto found = co_await resolver_.resolve(through ? through->host : asked.host,
                                                  through ? through->port : asked.port);
    lookup_running_ = false;
    lookup_deadline_ = no_time;
    if (stopping_) {
        co_return;
    }
    // A reload has changed the host meanwhile: the result is dropped, and open_connections() starts a new lookup.
    if (asked != settings_.base_url || through != settings_.proxy_url) {
        open_connections();
        co_return;
    }
    // On success waiting requests get connections; without any address they fail; otherwise the old addresses stay.
    if (found) {
        addresses_.assign(*found, steady_now());
        leave_gone_addresses(steady_now());
        open_connections();
    } else if (addresses_.empty()) {
        fail_waiting(found.error());
    } else {
        addresses_.note_failed_lookup(steady_now());
    }
}

// Moves a connection to the end of another list, without allocation.
void https_client::move_to(connection_list& list, https_connection& connection) noexcept {
    list.splice(list.end(), *connection.list, connection.position);
    connection.list = &list;
}

// Deadlines -----------------------------------------------------------------------------------------------------------

// The shorter of the two idle timeouts, the client's and the server's.
steady_duration https_client::idle_limit(const https_connection& connection) const noexcept {
    const steady_duration ours = settings_.idle_timeout;
    const std::optional<seconds> theirs = connection.idle_limit();
    if (!theirs) {
        return ours;
    }
    // One second less, so that the client closes first and no request meets a server that closes.
    return std::clamp<steady_duration>(*theirs - seconds(1), steady_duration::zero(), ours);
}

steady_time https_client::next_deadline() const noexcept {
    // Each list is in the order of since(), so its front is due first.
    steady_time next = steady_time::max();
    if (!opening_.empty()) {
        next = std::min(next, opening_.front()->since() + settings_.connect_timeout);
    }
    if (!busy_.empty()) {
        next = std::min(next, busy_.front()->since() + settings_.request_timeout);
    }
    if (!idle_.empty()) {
        next = std::min(next, idle_.front()->since() + idle_limit(*idle_.front()));
    }
    if (lookup_deadline_ != no_time) {
        next = std::min(next, lookup_deadline_);
    }
    return next;
}

// Makes the housekeeping run at `when` or earlier. Starts its task if necessary.
void https_client::wake_at(steady_time when) {
    // The housekeeping runs only while there is something to watch, so an unused pool has no task.
    if (!housekeeping_) {
        housekeeping_ = true;
        wake_at_ = when;
        tasks_.spawn("API housekeeping", run_housekeeping());
    } else if (when < wake_at_) {
        wake_at_ = when;
        timer_.expires_at(when);
    }
}

// The task that serves all deadlines. It ends when nothing is left to watch.
task<> https_client::run_housekeeping() {
    for (;;) {
        do_housekeeping();
        const bool empty = opening_.empty() && idle_.empty() && busy_.empty() && ending_.empty();
        if (empty && refused_.empty() && lookup_deadline_ == no_time) {
            break;
        }
        // Refused requests are answered in the next turn of the loop.
        wake_at_ = refused_.empty() ? next_deadline() : steady_now();
        timer_.expires_at(wake_at_);
        co_await timer_.async_wait(as_tuple);
    }
    housekeeping_ = false;
}

void https_client::do_housekeeping() {
    // An exception must not end the task: no request would time out any more.
    try {
        sweep(steady_now());
        for (const get_request& request : std::exchange(refused_, {})) {
            answer_failure(request, errc::cancelled, {});
        }
    } catch (const std::exception& bug) {
        on_bug_("API housekeeping", bug.what());
    }
}

// Ends all connections and waits whose deadline has passed.
void https_client::sweep(steady_time now) {
    const auto end_due = [&](connection_list& list, auto limit) {
        // The list is in the order of since(), so the first connection that is not due ends the search.
        while (!list.empty() && list.front()->since() + limit(*list.front()) <= now) {
            https_connection& connection = *list.front();
            connection.end_overdue();
            move_to(ending_, connection);
        }
    };
    // One limit for connect, proxy and handshake together.
    end_due(opening_, [&](const https_connection&) { return settings_.connect_timeout; });
    end_due(busy_, [&](const https_connection&) { return settings_.request_timeout; });
    end_due(idle_, [&](const https_connection& each) { return idle_limit(each); });
    if (lookup_deadline_ != no_time && lookup_deadline_ <= now) {
        lookup_deadline_ = no_time;
        fail_waiting(errc::resolve_timeout);
    }
}

} // namespace kallglot
