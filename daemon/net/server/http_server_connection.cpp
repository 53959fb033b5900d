// The exchange on one connection: reads requests and writes responses, one at a time.

#include "net/server/http_server_connection.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace kallglot {

namespace {

using http_field = std::pair<std::string, std::string>;

// Before the server closes a connection on which the client may still send: time and bytes to let it read the response.
constexpr seconds linger_time(1);
constexpr std::size_t linger_bytes = std::size_t{256} * 1024;

[[nodiscard]] std::int64_t whole_unix_seconds(api_time time) noexcept {
    return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

} // namespace

// The task of one connection: request, response, and again, until either side ends it.
task<> http_server::serve(connection_entry entry) {
    // Cancellation shows as an error of the stream, so that the stream is always closed below.
    co_await asio::this_coro::throw_if_cancelled(false);
    connection* const client = &*entry.where();
    // Within the task of the connection, so that a slow handshake holds up no accept.
    bool open = co_await shake_hands(client);
    if (!open) {
        co_await refuse(client);
    }
    while (open && !client->is_cut) {
        const bool was_idle = client->parser.now() == http_server_parser::state::idle;
        const bool arrived = co_await read_request(client);
        if (!arrived) {
            co_await refuse(client);
            break;
        }
        // A client certificate ends for open connections as well. On a new connection the client gets the reason.
        if (client->trusted_until != 0
            && client->trusted_until < whole_unix_seconds(clock_.wall_now())) {
            break;
        }
        // A complete request makes this the last connection to be closed for a new one. A request that was sent ahead does
        // not count: a client must not stay by requests whose responses it does not read.
        if (was_idle) {
            connections_.splice(connections_.end(), connections_, entry.where());
        }
        open = co_await exchange(client);
    }
    // Also after an error of either side; closing twice does no harm.
    client->stream.close();
}

// Reads until a request is complete, or can be answered by its head. False: it is rejected, too late, or the client has
// left.
task<bool> http_server::read_request(connection* client) {
    // A pipelined request may be complete already, from bytes read with the one before.
    while (client->parser.now() != http_server_parser::state::complete) {
        if (client->parser.now() == http_server_parser::state::refused) {
            co_return false;
        }
        if (!co_await admit_head(client)) {
            co_return false;
        }
        if (client->is_answered_early) {
            co_return true;
        }
        // Only now, so that a rejected client does not send its body.
        if (client->parser.now() == http_server_parser::state::expect_continue) {
            client->parser.note_continue_sent();
            const asio::const_buffer go_on = asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25);
            const error_code error = co_await client->stream.write(go_on, asio::const_buffer());
            if (error || client->timed_out || client->is_cut) {
                co_return false;
            }
        }
        const asio::mutable_buffer into = asio::buffer(client->input);
        const result<std::size_t> size = co_await client->stream.read_some(into);
        if (!size || client->timed_out || client->is_cut) {
            co_return false;
        }
        client->parser.put(std::string_view(client->input.data(), *size));
        note_progress(client);
        if (!hold_body(client)) {
            co_return false;
        }
    }
    co_return true;
}

// Counts the memory of the body that has arrived so far. False: there is none for it, and the request is rejected.
bool http_server::hold_body(connection* client) {
    client->body.hold(client->parser.body_bytes());
    const bool is_body = client->parser.head() != nullptr;
    if (is_body && !client->body.fits(limits_.max_connections)) {
        // The client may repeat the request: the memory belongs to others for a moment only.
        client->refusal = error_page_(503, client->parser.path());
        client->refusal->fields.emplace_back("Retry-After", "5");
    }
    return !client->refusal;
}

// Decides by the head of a request whose body is still to come. False: rejected.
task<bool> http_server::admit_head(connection* client) {
    // A client without credentials must not fill memory with bodies, so the gate is asked before they are read.
    const http_request* const head = client->parser.head();
    if (client->is_admitted || head == nullptr) {
        co_return true;
    }
    if (gate_) {
        // The gate may wait for a password hash; that time is not the client's.
        client->now = connection::phase::answering;
        set_deadline(*client, steady_time::max());
        // A pointer is safe here: the connection waits, and the parser is not touched meanwhile.
        client->refusal = co_await gate_(head);
        client->now = connection::phase::receiving;
        set_deadline(*client, clock_.now() + limits_.request_timeout);
    }
    if (!client->refusal) {
        client->is_admitted = true;
        // A body that no handler needs is not read: for 404, 405, or a page.
        const http_routes::found route = routes_.find(head->method, head->path);
        client->is_answered_early = route.check == nullptr;
        if (route.check != nullptr) {
            client->refusal = (*route.check)(*head);
        }
    }
    co_return !client->refusal && !client->is_cut && !finishing_;
}

// Starts the timeout of a request at its first byte.
void http_server::note_progress(connection* client) {
    const bool begun = client->parser.now() != http_server_parser::state::idle;
    if (begun && client->now == connection::phase::waiting) {
        client->now = connection::phase::receiving;
        // The timeout of the first request has run since the accept.
        if (client->answered > 0) {
            set_deadline(*client, clock_.now() + limits_.request_timeout);
        }
    }
}

// Answers the complete request. True: the connection stays open for the next one.
task<bool> http_server::exchange(connection* client) {
    // A handler has no deadline here: it is the daemon's own code, and bounds its waits itself.
    client->now = connection::phase::answering;
    set_deadline(*client, steady_time::max());
    ++client->answered;

    const bool is_early = std::exchange(client->is_answered_early, false);
    http_request request = is_early ? client->parser.take_head() : client->parser.take();
    const bool head_only = request.method == "HEAD";
    const bool wants_more = request.keep_alive;
    // Each request is admitted by itself: credentials may differ on one connection, behind a proxy.
    const bool is_admitted = std::exchange(client->is_admitted, false);
    http_response answered = co_await answer(std::move(request), is_admitted);
    // The handler has the body, or has dropped it.
    client->body.hold(0);

    // The last response says `Connection: close`, so that the client does not count on the connection.
    const bool is_last = client->answered >= limits_.requests_per_connection;
    const bool keep_alive = wants_more && !is_last && !finishing_;
    const bool written = co_await write(client, std::move(answered), keep_alive, head_only);
    if (written && (is_early || (wants_more && is_last))) {
        co_await linger(client);
    }
    if (!written || !keep_alive) {
        co_return false;
    }

    if (client->parser.now() == http_server_parser::state::idle) {
        client->write_time_left = limits_.write_timeout;
    }
    // Bytes that the client sent ahead count as the beginning of the next request.
    client->now = connection::phase::waiting;
    set_deadline(*client, clock_.now() + limits_.idle_timeout);
    note_progress(client);
    co_return !finishing_;
}

// The response to a request: of the gate, of the routes or of a handler.
task<http_response> http_server::answer(http_request request, bool is_admitted) {
    if (gate_ && !is_admitted) {
        std::optional<http_response> refused = co_await gate_(&request);
        if (refused) {
            co_return std::move(*refused);
        }
    }
    // Only admitted requests reach the routes, so that 404 and 405 reveal nothing to others.
    const http_routes::found route = routes_.find(request.method, request.path);
    if (route.handler == nullptr) {
        // The answer to OPTIONS is no refusal.
        if (route.status != 204 && on_refusal_) {
            on_refusal_(route.status);
        }
        http_response refused;
        refused.status = route.status;
        if (route.status != 204) {
            refused = error_page_(route.status, request.path);
        }
        if (!route.allow.empty()) {
            refused.fields.emplace_back("Allow", route.allow);
        }
        co_return refused;
    }
    // An exception of a handler is a bug, but must not end the server.
    const std::string path = request.path;
    std::string what;
    try {
        http_response given = co_await (*route.handler)(std::move(request));
        co_return given;
    } catch (const std::exception& thrown) {
        what = thrown.what();
    }
    log_.error("internal error: request handler failed, responding with 500",
               {{"listener", name_}, {"error", what}});
    co_return error_page_(500, path);
}

// Writes a response. False: the client did not take it in time, or the connection was closed.
task<bool> http_server::write(connection* client,
                              http_response answered,
                              bool keep_alive,
                              bool head_only) {
    // Closed while the handler worked.
    if (client->is_cut) {
        co_return false;
    }
    client->now = connection::phase::writing;
    const steady_time begun = clock_.now();
    set_deadline(*client, begun + client->write_time_left);
    for (const auto& field : fields_) {
        // The field of a handler wins: it knows its page.
        const bool has_it = std::ranges::find(answered.fields, field.first, &http_field::first)
                            != answered.fields.end();
        if (!has_it) {
            answered.fields.push_back(field);
        }
    }
    const std::string head =
        serialize_head(answered, whole_unix_seconds(clock_.wall_now()), keep_alive);
    // The response to HEAD has the length of the body, but not the body (RFC 9110 section 9.3.2).
    const std::string_view body = head_only ? std::string_view() : answered.body_text();
    const asio::const_buffer head_bytes = asio::buffer(head);
    const asio::const_buffer body_bytes = asio::buffer(body.data(), body.size());
    const error_code error = co_await client->stream.write(head_bytes, body_bytes);
    // The time counts over all responses to requests that were sent ahead. Otherwise a client could hold the memory
    // of each for the whole timeout.
    client->write_time_left -= clock_.now() - begun;
    co_return !error && !client->timed_out && !client->is_cut;
}

// Answers a request that did not become complete, if the client can still read a response.
task<> http_server::refuse(connection* client) {
    const auto state = client->parser.now();
    const bool refused = state == http_server_parser::state::refused;
    const bool late = client->timed_out && client->now == connection::phase::receiving;
    // No response for a client that sent nothing, closed the connection, or is closed for another one.
    if (client->is_cut || (!refused && !late && !client->refusal)) {
        co_return;
    }
    // The timeout has cancelled the stream; the response needs it once more.
    client->timed_out = false;
    client->stream.resume();
    http_response why = client->refusal ? std::move(*client->refusal)
                                        : error_page_(refused ? client->parser.refusal() : 408,
                                                      client->parser.path());
    if (client->parser.is_tls()) {
        note_handshake_failure("TLS to a plain port");
    }
    log_.debug("request rejected", {{"listener", name_}, {"status", why.status}});
    if (on_refusal_) {
        on_refusal_(why.status);
    }
    const http_request* const head = client->parser.head();
    const bool head_only = head != nullptr && head->method == "HEAD";
    const bool written = co_await write(client, std::move(why), false, head_only);
    if (written) {
        co_await linger(client);
    }
}

// After the last response: waits until the client has closed its side.
task<> http_server::linger(connection* client) {
    // If a socket is closed with unread bytes, the kernel sends a reset, and the client may lose the response. So the
    // rest is read and dropped, up to a limit.
    client->now = connection::phase::closing;
    client->stream.shut_down_send();
    set_deadline(*client, clock_.now() + linger_time);
    // A client that never stops sending is cut off after this many bytes.
    std::size_t dropped = 0;
    while (dropped < linger_bytes) {
        const asio::mutable_buffer into = asio::buffer(client->input);
        const result<std::size_t> size = co_await client->stream.read_some(into);
        if (!size || client->timed_out || client->is_cut) {
            co_return;
        }
        dropped += *size;
    }
}

} // namespace kallglot
