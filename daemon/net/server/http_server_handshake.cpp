// The TLS handshake of a connection, and clients that speak the wrong protocol.

#include "net/server/http_server_connection.hpp"

#include <boost/asio/this_coro.hpp>

namespace kallglot {

namespace {

// A TLS connection begins with a record of type 22. A letter is the beginning of an HTTP method.
[[nodiscard]] bool is_plain_http(char first) noexcept {
    return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

} // namespace

// Steps of the handshake until it is complete; over plain TCP there are none. False: it failed, or took too long.
task<bool> http_server::shake_hands(connection* client) {
    bool is_first = true;
    while (client->stream.is_handshaking()) {
        const result<std::string_view> bytes = co_await client->stream.read_handshake();
        if (!bytes || client->timed_out || client->is_cut) {
            // A client that sent nothing wanted no handshake, and one that is closed for another could have finished it.
            if (!is_first && !client->is_cut) {
                note_handshake_failure(client->timed_out ? "timeout" : "closed by the client");
            }
            co_return false;
        }
        // Answered in plain text, which is what such a client can read.
        if (std::exchange(is_first, false) && is_plain_http(bytes->front())) {
            note_handshake_failure("plain HTTP to a TLS port");
            client->stream.leave_tls();
            client->refusal = make_text_response(400, "this port speaks HTTPS");
            co_return false;
        }
        const bool is_next = co_await take_turn(client);
        if (!is_next) {
            co_return false;
        }
        const steady_time begun = clock_.now();
        const tls_status status = client->stream.take_handshake_step();
        // The time that the loop was blocked, whatever the step was.
        turns_.note_step(clock_.now() - begun);
        // Also after a failure: its alert has the reason for the client.
        const error_code unsent = co_await client->stream.send_output();
        if (status == tls_status::failed) {
            note_handshake_failure(client->stream.failure());
        }
        if (status == tls_status::failed || unsent || client->timed_out || client->is_cut) {
            co_return false;
        }
    }
    // A certificate may expire while the connection is open. Then the next request is refused.
    client->trusted_until = client->stream.peer_trusted_until();
    co_return true;
}

// Waits until handshakes may use the loop again. False: the connection ended meanwhile.
task<bool> http_server::take_turn(connection* client) {
    handshake_turns::place place(executor_, client->from.network);
    client->turn = &place;
    client->now = connection::phase::queued;
    co_await turns_.wait(&place);
    client->turn = nullptr;
    client->now = connection::phase::waiting;
    const bool is_alive = !client->timed_out && !client->is_cut;
    // The turn goes to the next one.
    if (!is_alive) {
        turns_.note_step(steady_duration::zero());
    }
    co_return is_alive;
}

void http_server::note_handshake_failure(std::string_view reason) {
    if (on_handshake_failure_) {
        on_handshake_failure_(reason);
    }
}

} // namespace kallglot
