#include "kallglot/net/client/https_client.hpp"

#include "net/client/api_transport.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kallglot {

namespace {

// How often a request that the API has not processed is sent again.
constexpr std::uint8_t max_resends = 2;

} // namespace

https_client::https_client(loop_executor executor,
                           resolver& names,
                           task_group::failure_handler on_bug)
    : executor_(executor),
      addresses_(executor, names, *this, on_bug),
      timer_(executor),
      on_bug_(on_bug),
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
    const bool same_version = settings.http_version == settings_.http_version && text_ != nullptr;
    settings_ = settings;
    tls_ = tls;
    user_agent_ = std::move(user_agent);
    text_ = std::make_unique<request_text>(settings_.base_url, user_agent_, key);
    // A connection is bound to its host, proxy and trust. Everything else applies to the next request.
    // With a proxy, only the proxy's name is looked up; the proxy looks up the API's.
    if (settings_.proxy_url) {
        addresses_.use(settings_.proxy_url->host, settings_.proxy_url->port, !tls);
    } else {
        addresses_.use(settings_.base_url.lookup_host(), settings_.base_url.port, !tls);
    }
    if (!same_host || !same_trust || !same_version) {
        versions_.reset(settings_.http_version, tls_.has_value());
        requests_per_connection_ = 1;
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
    // Waiting requests will each need room on a connection, so they count as in flight.
    const std::size_t taken = exchanges_.size() + waiting_.size() + refused_.size();
    const std::size_t limit =
        std::min(settings_.max_requests_in_flight, open_limit() * requests_per_connection_);
    return stopping_ || taken >= limit ? 0 : limit - taken;
}

void https_client::get(request_permit permit, const get_request& request) {
    assert(permit.valid() && listener_ != nullptr && text_ != nullptr);
    [[maybe_unused]] const request_permit spent = std::move(permit);
    const steady_time now = timer_now();
    // Answered later by the housekeeping: a callback from inside get() could enter the caller a second time.
    if (stopping_) {
        refused_.push_back(request);
        wake_at(now);
        return;
    }
    addresses_.refresh(now);
    const queued_request next{request, now};
    // The next request after a failure on a reused connection asks for a fresh one.
    pooled_connection* const connection = request.fresh_connection ? nullptr : take_free(now);
    if (connection == nullptr) {
        waiting_.add(next);
        wake_at(now + wait_limit());
        open_connections();
        return;
    }
    send(*connection, next, now);
    // HTTP/2 opens the next connection before this one is full.
    if (connection->version == http_version::http_2) {
        open_connections();
    }
}

void https_client::hold() noexcept {
    holding_ = true;
}

void https_client::flush() {
    holding_ = false;
    if (std::exchange(has_held_, false)) {
        // Also one that was left meanwhile, because of its age for example.
        lists_.for_each_transport([](api_connection& transport) { transport.send_held(); });
    }
}

// A connection that can take a request; null if there is none.
pooled_connection* https_client::take_free(steady_time now) {
    pooled_connection* const usual = take_free(lists_.free, now);
    return usual != nullptr ? usual : take_free(lists_.worn, now);
}

pooled_connection* https_client::take_free(connection_list& among, steady_time now) {
    // The most recently used first, so that surplus connections reach their idle timeout. With HTTP/2, the one with the
    // fewest requests among as many as are needed.
    std::size_t candidates = demand(now).connections();
    pooled_connection* best = nullptr;
    auto behind = among.end();
    while (behind != among.begin() && candidates > 0) {
        pooled_connection& connection = **std::prev(behind);
        // An idle timeout may be over before the timer has fired.
        const bool expired =
            connection.in_flight == 0 && now - connection.since >= idle_limit(connection);
        if (expired || !connection.transport->ready()) {
            retire(connection);
        } else if (connection.transport->room() == 0) {
            connection_lists::move(connection, lists_.full);
        } else {
            best = best != nullptr && best->in_flight <= connection.in_flight ? best : &connection;
            candidates -= connection.version == http_version::http_2 ? 1 : candidates;
            --behind;
        }
    }
    return best;
}

// Sends a request on a connection with room. The sweep gives it up at the request timeout.
void https_client::send(pooled_connection& connection,
                        const queued_request& request,
                        steady_time now) {
    const exchange_ref next = exchanges_.start(request, connection, now);
    ++connection.in_flight;
    connection.since = now;
    connection.transport->send(next, *text_, holding_);
    has_held_ = holding_ && (has_held_ || connection.version == http_version::http_2);
    lists_.place(connection);
    if (connection.in_flight == 1) {
        check_at_ = std::min(check_at_, connection.transport->check_life(now));
    }
    wake_at(std::min(now + settings_.request_timeout, check_at_));
}

// After an exchange, and when a connection's room has changed.
void https_client::use_room(pooled_connection& connection) {
    if (connection.transport->ending()) {
        // Another may be opened in its place.
        connection_lists::move(connection, lists_.ending);
        open_connections();
    } else if (connection.transport->room() > 0) {
        dispatch(connection);
    } else {
        connection_lists::move(connection, lists_.full);
    }
}

// Decides what a connection with room does next: end, take waiting requests, or wait.
void https_client::dispatch(pooled_connection& connection) {
    connection_lists::move(connection, connection.transport->worn() ? lists_.worn : lists_.free);
    // A request that needs a fresh connection is served by a new one only. At the limit, this connection makes room.
    const bool crowded = lists_.open_count() > open_limit();
    const bool make_room =
        !waiting_.fresh.empty() && lists_.opening.empty() && lists_.open_count() == open_limit();
    if (!crowded && !make_room && waiting_.any.empty()) {
        wake_at(connection.since + idle_limit(connection));
        return;
    }
    // A lowered limit is reached by retiring each surplus connection as it becomes free. Bytes behind the last answer
    // would count as the next answer, so such a connection must end too. A new connection is used even then: its
    // request fails, so a peer that closes every connection at once is reported as a failure.
    if (crowded || make_room || (!connection.is_new && !connection.transport->ready())) {
        retire(connection);
        open_connections();
        return;
    }
    send_waiting(waiting_.any, connection);
}

// Sends the requests that have waited longest, as many as the connection has room for.
void https_client::send_waiting(std::deque<queued_request>& line, pooled_connection& connection) {
    while (!line.empty() && connection.transport->room() > 0) {
        send(connection, waiting_requests::take_front(line), timer_now());
    }
}

// Sends the waiting requests on all connections with room, and opens more if necessary.
void https_client::serve_waiting() {
    const steady_time now = timer_now();
    while (!waiting_.any.empty()) {
        pooled_connection* const connection = take_free(now);
        if (connection == nullptr) {
            break;
        }
        send(*connection, waiting_requests::take_front(waiting_.any), now);
    }
    open_connections();
}

// Queues a request again that the API has not processed. False: it has been sent often enough.
bool https_client::resend(const exchange& ended, resend_cause cause) {
    const steady_time now = timer_now();
    const bool late = now - ended.queued >= 2 * settings_.request_timeout;
    if (stopping_ || late || ended.resent >= max_resends) {
        return false;
    }
    // An API that demands HTTP/1.1, or another connection, gets it once.
    const bool is_last =
        cause == resend_cause::http_1_1_required || cause == resend_cause::misdirected;
    const auto resent = is_last ? max_resends : static_cast<std::uint8_t>(ended.resent + 1);
    ++totals_.resent_total[static_cast<std::size_t>(cause)];
    // A server that ends may have said goodbye on every open connection already, so the last attempt gets a new one.
    const bool fresh = cause != resend_cause::http_1_1_required && resent == max_resends;
    auto& line = fresh ? waiting_.fresh : waiting_.any;
    waiting_requests::put_back(line, queued_request{ended.request, ended.queued, resent});
    return true;
}

// Ends a connection after its exchanges in flight. It is not used any more.
void https_client::retire(pooled_connection& connection) {
    connection.transport->retire();
    connection_lists::move(connection, lists_.ending);
}

// Answers a request that was never sent on a connection.
void https_client::answer_failure(const get_request& request,
                                  const error_code& error,
                                  std::string_view detail) {
    api_answer answer;
    answer.slot = request.slot;
    answer.error = error;
    answer.detail = detail;
    answer.received = timer_now();
    listener_->on_answer(answer);
}

// Answers the requests that wait for a connection: all, or those that were queued at `queued` or before.
void https_client::fail_waiting(const error_code& error,
                                std::string_view detail,
                                steady_time queued) {
    // Taken out first, because the listener may call get() from inside an answer.
    for (const queued_request& waiting : waiting_.take_all(queued)) {
        answer_failure(waiting.request, error, detail);
    }
}

// Ends every connection, at the latest after its exchange. Used when the connections are obsolete and when the pool
// stops.
void https_client::drain() {
    // A connection that is opening carries no request yet and ends at once.
    for (pooled_connection* const connection : lists_.opening) {
        connection->opening->end(errc::cancelled);
        if (connection->transport) {
            connection->transport->end(errc::cancelled);
        }
    }
    retire_open([](const pooled_connection&) { return true; });
}

// Connections are not moved here: an idle one leaves its list when its task ends.
void https_client::retire_open(const std::function<bool(const pooled_connection&)>& which) {
    lists_.for_each_open([&](pooled_connection& connection) {
        if (which(connection)) {
            connection.transport->retire();
        }
    });
}

void https_client::stop() {
    if (stopping_) {
        return;
    }
    // From here on get() refuses requests, and no connection or lookup starts.
    stopping_ = true;
    drain();
    addresses_.stop();
    // Requests that wait for a connection would get none any more.
    lookup_deadline_ = no_time;
    open_after_ = no_time;
    fail_waiting(errc::cancelled, {});
    wake_at(timer_now());
}

void https_client::cut() {
    stop();
    // The idle ones have ended with stop(); the others are what it waits for.
    lists_.for_each_open(
        [](pooled_connection& connection) { connection.transport->end(errc::cancelled); });
    // An HTTP/2 connection that ends may still have requests in flight.
    for (pooled_connection* const connection : lists_.ending) {
        if (connection->transport) {
            connection->transport->end(errc::cancelled);
        }
    }
}

task<> https_client::join() {
    co_await tasks_.join();
    co_await addresses_.join();
}

api_connection_counts https_client::connections() const noexcept {
    api_connection_counts counts = totals_;
    counts.idle = lists_.idle_count();
    counts.busy = lists_.free.size() + lists_.full.size() + lists_.worn.size() - counts.idle;
    counts.opening = lists_.opening.size();
    const auto count = [&counts](const pooled_connection& connection) {
        ++counts.open[static_cast<std::size_t>(connection.version)];
    };
    lists_.for_each_open(count);
    // Connections that end are open until their last answer.
    for (const pooled_connection* const connection : lists_.ending) {
        if (connection->in_flight > 0) {
            ++counts.busy;
            count(*connection);
        }
    }
    counts.requests_in_flight = exchanges_.size();
    counts.requests_waiting = waiting_.size();
    return counts;
}

// What transports report ---------------------------------------------------------------------------------------------

// An exchange is complete, with a response or an error. The connection gets its next request before the listener is
// called, so that it does not wait for the listener.
void https_client::on_exchanged(exchange_ref done, api_answer& answer) {
    pooled_connection& connection = *done->on;
    const exchange ended = *done;
    answer.slot = ended.request.slot;
    exchanges_.finish(done);
    --connection.in_flight;
    connection.since = answer.received;
    connection.is_new = false;
    if (answer.http_status != 0 && connection.version == http_version::http_2) {
        connection.has_responded = true;
        versions_.note_response();
    }
    // An answer after the pause shows that descriptors suffice; the pool may grow again.
    if (scarce_limit_ && answer.received >= scarce_until_) {
        scarce_limit_.reset();
    }
    // RFC 9110 section 15.5.20: the API has not processed it, and wants it over another connection.
    constexpr int misdirected = 421;
    const bool again = answer.http_status == misdirected
                       && connection.version == http_version::http_2
                       && resend(ended, resend_cause::misdirected);
    std::exception_ptr bug;
    try {
        note_answer(connection, answer);
        if (again) {
            connection.transport->retire();
        }
        use_room(connection);
    } catch (...) {
        bug = std::current_exception();
    }
    // Even after a bug: without an answer the poll would stay in flight without end.
    if (!again) {
        listener_->on_answer(answer);
    }
    if (bug) {
        std::rethrow_exception(bug);
    }
}

// HTTP/2: the API has not processed a request. It is sent again at once, or fails if that has not helped before.
void https_client::on_unprocessed(exchange_ref done, resend_cause cause) {
    pooled_connection& connection = *done->on;
    const exchange ended = *done;
    exchanges_.finish(done);
    --connection.in_flight;
    connection.is_new = false;
    if (cause == resend_cause::goaway && !connection.has_responded && connection.in_flight == 0) {
        // It took none of its requests. A server that accepts connections while it ends: the next one would end the same
        // way.
        pause_opening();
    }
    use_room(connection);
    const bool never_http_1_1 = settings_.http_version == http_version_choice::http_2;
    if (cause == resend_cause::http_1_1_required && never_http_1_1) {
        answer_failure(ended.request, errc::http2_unavailable, {});
    } else if (resend(ended, cause)) {
        serve_waiting();
    } else {
        const errc error = stopping_ ? errc::cancelled : errc::connection_closed;
        answer_failure(ended.request, error, "the API refused the request several times (HTTP/2)");
    }
}

// HTTP/2: the server's limit has changed, or the connection is about to end.
void https_client::on_changed(pooled_connection& connection) {
    if (connection.list != &lists_.opening && connection.list != &lists_.ending) {
        requests_per_connection_ = std::max<std::size_t>(connection.transport->max_room(), 1);
        use_room(connection);
    }
}

// Deadlines -----------------------------------------------------------------------------------------------------------

// The shorter of the two idle timeouts, the client's and the server's.
steady_duration https_client::idle_limit(const pooled_connection& connection) const noexcept {
    const steady_duration ours = settings_.idle_timeout;
    const std::optional<seconds> theirs = connection.transport->idle_limit();
    if (!theirs) {
        return ours;
    }
    // One second less, so that the client closes first and no request meets a server that closes.
    return std::clamp<steady_duration>(*theirs - seconds(1), steady_duration::zero(), ours);
}

// How long a request may wait for room: a connection may have to open first, or a request on it to time out.
steady_duration https_client::wait_limit() const noexcept {
    return settings_.connect_timeout + settings_.request_timeout;
}

steady_time https_client::next_deadline() const noexcept {
    steady_time next = check_at_;
    if (!lists_.opening.empty()) {
        next = std::min(next, lists_.opening.front()->since + settings_.connect_timeout);
    }
    if (const std::optional<steady_time> sent = exchanges_.oldest()) {
        next = std::min(next, *sent + settings_.request_timeout);
    }
    if (const pooled_connection* const idle = lists_.first_idle()) {
        next = std::min(next, idle->since + idle_limit(*idle));
    }
    if (lookup_deadline_ != no_time) {
        next = std::min(next, lookup_deadline_);
    }
    if (const std::optional<steady_time> queued = waiting_.oldest()) {
        next = std::min(next, *queued + wait_limit());
    }
    if (open_after_ != no_time) {
        next = std::min(next, open_after_);
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
        const bool empty = lists_.open_count() == 0 && lists_.ending.empty();
        if (empty && refused_.empty() && lookup_deadline_ == no_time && open_after_ == no_time) {
            break;
        }
        // Refused requests are answered in the next turn of the loop.
        wake_at_ = refused_.empty() ? next_deadline() : timer_now();
        timer_.expires_at(wake_at_);
        co_await timer_.async_wait(as_tuple);
    }
    housekeeping_ = false;
}

void https_client::do_housekeeping() {
    // An exception must not end the task: no request would time out any more.
    try {
        sweep(timer_now());
        for (const get_request& request : std::exchange(refused_, {})) {
            answer_failure(request, errc::cancelled, {});
        }
    } catch (const std::exception& bug) {
        on_bug_("API housekeeping", bug.what());
    }
}

// Ends all connections and waits whose deadline has passed.
void https_client::sweep(steady_time now) {
    // One limit for connect, proxy and handshake together.
    while (!lists_.opening.empty()
           && lists_.opening.front()->since + settings_.connect_timeout <= now) {
        pooled_connection& connection = *lists_.opening.front();
        if (connection.transport) {
            // TLS is done; the server's settings have not come.
            connection.transport->end(errc::handshake_timeout);
        } else {
            connection.opening->end_overdue();
        }
        connection_lists::move(connection, lists_.ending);
    }
    if (check_at_ <= now) {
        check_life(now);
    }
    while (const auto overdue = exchanges_.take_overdue(now - settings_.request_timeout)) {
        pooled_connection& connection = *(*overdue)->on;
        connection.transport->give_up(*overdue);
        if (connection.transport->ending()) {
            leave(connection, now);
        } else {
            // With HTTP/1.1 the connection ends instead.
            ++totals_.streams_cancelled_total;
        }
    }
    while (pooled_connection* const idle = lists_.first_idle()) {
        if (idle->since + idle_limit(*idle) > now) {
            break;
        }
        retire(*idle);
    }
    if (lookup_deadline_ != no_time && lookup_deadline_ <= now) {
        lookup_deadline_ = no_time;
        fail_waiting(errc::resolve_timeout, {});
    }
    sweep_waiting(now);
    if (open_after_ != no_time && open_after_ <= now) {
        open_after_ = no_time;
        open_connections();
    }
}

// Ends the connections whose server is silent. Their requests can be sent again, which is why this is not left to the
// deadlines.
void https_client::check_life(steady_time now) {
    check_at_ = steady_time::max();
    for (connection_list* const list : {&lists_.free, &lists_.full, &lists_.worn, &lists_.ending}) {
        for (auto next = list->begin(); next != list->end();) {
            pooled_connection& connection = **next++;
            if (!connection.transport || connection.transport->was_silent()) {
                continue;
            }
            check_at_ = std::min(check_at_, connection.transport->check_life(now));
            if (connection.transport->was_silent()) {
                leave(connection, now);
            }
        }
    }
}

// Uses a connection no more that is ending because of a deadline.
void https_client::leave(pooled_connection& connection, steady_time now) {
    connection_lists::move(connection, lists_.ending);
    if (connection.transport->was_silent()) {
        // The next connections begin with another address, if there is one.
        addresses_.book.note_failure(connection.peer, now);
    }
}

// Fails the requests that have waited too long.
void https_client::sweep_waiting(steady_time now) {
    const std::vector<queued_request> late = waiting_.take_all(now - wait_limit());
    if (late.empty()) {
        return;
    }
    // A server that accepts no requests for that long may be replaced by another one.
    retire_open([](const pooled_connection& connection) {
        return connection.in_flight == 0 && connection.transport->room() == 0;
    });
    for (const queued_request& waiting : late) {
        answer_failure(waiting.request, errc::request_timeout, "no connection had room");
    }
}

} // namespace kallglot
