#include "kallglot/net/client/https_client.hpp"

#include <algorithm>
#include <cassert>
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

// Connections ---------------------------------------------------------------------------------------------------------

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

// Deadlines -----------------------------------------------------------------------------------------------------------

steady_duration https_client::idle_limit(const https_connection& connection) const noexcept {
    const steady_duration ours = settings_.idle_timeout;
    const std::optional<seconds> theirs = connection.idle_limit();
    if (!theirs) {
        return ours;
    }
    // A second of distance, so that we close first and no request meets a closing server.
    return std::clamp<steady_duration>(*theirs - seconds(1), steady_duration::zero(), ours);
}

steady_time https_client::next_deadline() const noexcept {
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

void https_client::wake_at(steady_time when) {
    if (!housekeeping_) {
        housekeeping_ = true;
        wake_at_ = when;
        tasks_.spawn("API housekeeping", keep_house());
    } else if (when < wake_at_) {
        wake_at_ = when;
        timer_.expires_at(when);
    }
}

task<> https_client::keep_house() {
    for (;;) {
        end_what_is_due();
        const bool empty = opening_.empty() && idle_.empty() && busy_.empty() && ending_.empty();
        if (empty && refused_.empty() && lookup_deadline_ == no_time) {
            break;
        }
        wake_at_ = refused_.empty() ? next_deadline() : steady_now();
        timer_.expires_at(wake_at_);
        co_await timer_.async_wait(as_tuple);
    }
    housekeeping_ = false;
}

void https_client::end_what_is_due() {
    // Without the housekeeper nothing would time out any more.
    try {
        // The present moment is over when the timer fires, so that the front of a list is due exactly then.
        sweep(steady_now());
        for (const get_request& request : std::exchange(refused_, {})) {
            answer_failure(request, errc::cancelled, {});
        }
    } catch (const std::exception& bug) {
        on_bug_("API housekeeping", bug.what());
    }
}

void https_client::sweep(steady_time now) {
    const auto end_due = [&](connection_list& list, auto limit) {
        while (!list.empty() && list.front()->since() + limit(*list.front()) <= now) {
            https_connection& connection = *list.front();
            connection.end_overdue();
            move_to(ending_, connection);
        }
    };
    end_due(opening_, [&](const https_connection&) { return settings_.connect_timeout; });
    end_due(busy_, [&](const https_connection&) { return settings_.request_timeout; });
    end_due(idle_, [&](const https_connection& each) { return idle_limit(each); });
    if (lookup_deadline_ != no_time && lookup_deadline_ <= now) {
        lookup_deadline_ = no_time;
        refuse_waiting(errc::resolve_timeout);
    }
}

} // namespace kallglot
