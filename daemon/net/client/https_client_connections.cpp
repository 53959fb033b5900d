// The connections of the pool: how many, from their opening to their end, and the addresses they use.

#include "kallglot/net/client/https_client.hpp"
#include "net/client/api_transport.hpp"
#include "net/client/connect_request.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace kallglot {

namespace {

// How long connections are not opened in reserve after one failed to open.
constexpr steady_duration reserve_pause = seconds(1);

// How long no connection is opened after the API has refused one over which all requests would go.
constexpr steady_duration refusal_pause = milliseconds(250);

// Longer connections are not worth replacing ahead of their end.
constexpr std::uint32_t max_learned_length = 100'000;

// How long the pool stays limited after a lack of descriptors.
constexpr steady_duration scarcity = seconds(1);

// A server that is being restarted refuses connections for a moment, or ends them in their handshake.
bool is_passing(const pooled_connection& connection, const error_code& error) noexcept {
    return error == errc::connect_refused || connection.opening->broke_off();
}

} // namespace

// The limit of the configuration, or a lower one while descriptors are short.
std::size_t https_client::open_limit() const noexcept {
    return scarce_limit_ ? std::min(*scarce_limit_, settings_.max_connections)
                         : settings_.max_connections;
}

connection_demand https_client::demand(steady_time now) const noexcept {
    connection_demand demand;
    demand.version = versions_.expected(now);
    demand.in_flight = exchanges_.size();
    demand.waiting = waiting_.any.size();
    demand.waiting_for_fresh = waiting_.fresh.size();
    demand.open = lists_.free.size() + lists_.full.size();
    demand.streams = requests_per_connection_;
    demand.addresses = addresses_.book.size();
    demand.reserve = now >= reserve_after_;
    // Only HTTP/2 knows such connections, and only requests that wait ask for it.
    demand.starved =
        demand.version == http_version::http_2 && demand.waiting > 0 && lists_.has_starved();
    return demand;
}

// Opens connections, up to the limits.
void https_client::open_connections() {
    const steady_time now = timer_now();
    if (now < open_after_) {
        return;
    }
    const std::size_t needed = demand(now).openings();
    while (!stopping_ && lists_.opening.size() < needed) {
        if (lists_.open_count() >= open_limit()) {
            // A request that needs a fresh connection may replace the connection that was unused for the longest time.
            if (waiting_.fresh.size() <= lists_.opening.size() || lists_.free.empty()) {
                break;
            }
            retire(*lists_.free.front());
        }
        addresses_.refresh(now);
        if (addresses_.book.empty()) {
            // on_looked_up() calls this function again. Until then the requests wait, up to a deadline.
            if (lookup_deadline_ == no_time) {
                lookup_deadline_ = now + settings_.connect_timeout;
                wake_at(lookup_deadline_);
            }
            break;
        }
        open_one(now);
    }
}

void https_client::pause_opening() {
    if (!stopping_) {
        open_after_ = timer_now() + refusal_pause;
        wake_at(open_after_);
    }
}

// Opens one connection. Its task owns it; the lists only refer to it.
void https_client::open_one(steady_time now) {
    auto connection = std::make_unique<pooled_connection>();
    connection->opening.emplace(executor_,
                                scratch_,
                                tls_,
                                connect_request(settings_, proxy_password_),
                                versions_.offer(now));
    connection->since = now;
    connection->position = lists_.opening.insert(lists_.opening.end(), connection.get());
    connection->list = &lists_.opening;
    tasks_.spawn("API connection", serve(std::move(connection), addresses_.book.order(now)));
    wake_at(now + settings_.connect_timeout);
}

// The task of one connection, from the connect to its end.
task<> https_client::serve(std::unique_ptr<pooled_connection> connection,
                           std::vector<tcp_endpoint> addresses) {
    error_code error;
    std::exception_ptr bug;
    // A bug in one connection must not stop the pool: its requests are answered, then the group reports the bug.
    try {
        error = co_await connection->opening->open(std::move(addresses));
        if (!error) {
            use_channel(*connection);
            error = co_await connection->transport->prepare();
        }
        if (!error) {
            bug = start_transport(*connection);
            co_await connection->transport->run();
        }
        if (connection->transport && !bug) {
            bug = connection->transport->bug();
        }
    } catch (...) {
        bug = std::current_exception();
        if (connection->opening) {
            error = errc::connect_failed;
        }
    }
    // In every case: the connection is destroyed when this returns, so no list may refer to it.
    released(*connection, error);
    if (bug) {
        std::rethrow_exception(bug);
    }
}

// TLS is done: the version of HTTP is known.
void https_client::use_channel(pooled_connection& connection) {
    api_channel channel = connection.opening->take();
    if (channel.tls) {
        ++totals_.tls_handshakes_total;
        totals_.tls_resumptions_total += channel.tls->resumed() ? 1 : 0;
        totals_.certificate_not_after = channel.tls->peer_not_after();
    }
    connection.version = channel.version;
    const transport_parts parts{*this, scratch_, settings_, versions_};
    connection.transport =
        make_transport(std::move(channel), connection, parts, totals_.opened_total, timer_now());
}

// A connection is ready: gives it the first requests. The result is a bug of that: the transport has to run all the
// same, because it answers what was sent.
std::exception_ptr https_client::start_transport(pooled_connection& connection) {
    const connector& attempts = connection.opening->attempts();
    connection.peer = attempts.peer();
    connection.since = timer_now();
    // Before `opening` goes, to which `attempts` refers.
    note_attempts(attempts, error_code());
    ++totals_.opened_total;
    versions_.note_agreed(connection.version);
    requests_per_connection_ = std::max<std::size_t>(connection.transport->max_room(), 1);
    connection.opening.reset();
    try {
        opened(connection);
        return nullptr;
    } catch (...) {
        connection.transport->end(errc::connection_closed);
        return std::current_exception();
    }
}

// A connection is open: gives it the first requests.
void https_client::opened(pooled_connection& connection) {
    // A new address works, so connections to addresses that the DNS no longer lists can end.
    if (!is_gone(connection)) {
        retire_open([this](const pooled_connection& other) { return is_gone(other); });
    }
    // It may have opened in the place of this one.
    if (!lists_.worn.empty()) {
        retire(*lists_.worn.front());
    }
    // Only a new connection can serve these, so they come before other waiting requests.
    connection_lists::move(connection, lists_.free);
    send_waiting(waiting_.fresh, connection);
    if (waiting_.fresh.empty()) {
        use_room(connection);
    }
    open_connections();
}

// The task of a connection has ended. With an error, the connection did not open.
void https_client::released(pooled_connection& connection, const error_code& error) {
    connection.list->erase(connection.position);
    // An HTTP/2 connection that served nothing, although the client did not end it.
    const bool barren = connection.version == http_version::http_2 && !connection.has_responded
                        && (error ? error != errc::cancelled : !connection.is_new);
    if (barren && !stopping_) {
        versions_.note_barren(timer_now());
    }
    if (error) {
        note_attempts(connection.opening->attempts(), error);
        if (error == errc::no_descriptors) {
            // The pool makes do with the connections it has. Those that are opening have their descriptor already, or
            // will report the lack next.
            scarce_limit_ = std::max<std::size_t>(1, lists_.open_count());
            scarce_until_ = timer_now() + scarcity;
        }
        report_unopened(connection, error);
    }
    open_connections();
    // The housekeeping ends with the last connection, so it must look again.
    if (stopping_) {
        wake_at(timer_now());
    }
}

// Reports a failure to open to the requests that the connection was opened for.
void https_client::report_unopened(const pooled_connection& connection, const error_code& error) {
    reserve_after_ = timer_now() + reserve_pause;
    if (error == errc::cancelled) {
        return;
    }
    const std::string_view detail =
        connection.transport ? connection.transport->detail() : connection.opening->detail();
    // Without another connection, every request would have waited for this one.
    const bool shared = versions_.expected(timer_now()) != http_version::http_1_1;
    if (shared && is_passing(connection, error)) {
        // The others wait for the next attempt, as long as for a connection that does not open.
        fail_waiting(error, detail, timer_now() - settings_.connect_timeout);
        pause_opening();
        return;
    }
    if (shared && lists_.open_count() == 0) {
        fail_waiting(error, detail);
        return;
    }
    // With HTTP/1.1 each connection is opened for one request: the oldest that waits.
    if (const std::optional<queued_request> oldest = waiting_.take()) {
        answer_failure(oldest->request, error, detail);
    }
}

// HTTP/2: the API asked for less.
void https_client::on_notice(pooled_connection& /*connection*/, const http2_notice& notice) {
    const steady_time now = timer_now();
    if (notice.goaway) {
        ++totals_.goaways_total[static_cast<std::size_t>(notice.code)];
    }
    if (notice.requests && *notice.requests <= max_learned_length) {
        versions_.note_length(*notice.requests);
    }
    if (notice.code == http2_code::enhance_your_calm) {
        versions_.note_calm(now);
    }
    if (notice.code == http2_code::http_1_1_required) {
        versions_.note_http_1_1_required(now);
        requests_per_connection_ = 1;
        retire_open(
            [](const pooled_connection& other) { return other.version == http_version::http_2; });
    }
}

// Records which addresses accepted connections and which did not.
void https_client::note_attempts(const connector& attempts, const error_code& error) {
    // Neither says anything about the address.
    if (error == errc::cancelled || error == errc::no_descriptors) {
        return;
    }
    const steady_time now = timer_now();
    for (const tcp_endpoint& address : attempts.losers()) {
        addresses_.book.note_failure(address, now);
    }
    if (!error) {
        addresses_.book.note_success(attempts.peer());
    } else if (attempts.connected()) {
        // The address accepts connections, but handshakes fail or do not end.
        addresses_.book.note_failure(attempts.peer(), now);
    }
}

// Records whether the address answers well; leaves it if it alone does not.
void https_client::note_answer(const pooled_connection& connection, const api_answer& answer) {
    // Behind a proxy, answers say nothing about the proxy's address. Aborted requests say nothing at all.
    if (settings_.proxy_url || answer.error == errc::cancelled || answer.shared_cause
        || answer.error == errc::reused_connection_closed) {
        return;
    }
    const tcp_endpoint peer = connection.peer;
    // A 404 or 429 is a good answer of this address: the server works, and its verdict is about the request.
    const bool good = !answer.error && answer.http_status < 500;
    if (addresses_.book.note_answer(peer, good, answer.received)) {
        retire_open([&](const pooled_connection& other) { return other.peer == peer; });
    }
}

// Whether the DNS no longer lists the address of a connection.
bool https_client::is_gone(const pooled_connection& connection) const noexcept {
    return !addresses_.book.contains(connection.peer);
}

// After a lookup: moves to the new addresses.
void https_client::leave_gone_addresses(steady_time now) {
    bool any = false;
    lists_.for_each_open(
        [&](const pooled_connection& connection) { any = any || is_gone(connection); });
    // Opened even if no request waits: on_open() retires the old connections once a new address has proved to work.
    if (any && lists_.opening.empty()) {
        open_one(now);
    }
}

// Waiting requests get connections, or fail if there is no address to try.
void https_client::on_looked_up(const error_code& error, std::string_view detail) {
    lookup_deadline_ = no_time;
    if (!error) {
        leave_gone_addresses(timer_now());
        open_connections();
    } else if (addresses_.book.empty()) {
        fail_waiting(error, detail);
    }
}

} // namespace kallglot
