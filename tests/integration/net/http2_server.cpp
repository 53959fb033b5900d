#include "http2_server.hpp"

#include "support/loop.hpp"

#include <boost/asio/buffer.hpp>

#include <openssl/ssl.h>

#include <utility>

namespace kallglot::test {

namespace {

// OpenSSL asks which of the client's protocols the server wants.
int choose_protocol(SSL*,
                    const unsigned char** out,
                    unsigned char* out_size,
                    const unsigned char* in,
                    unsigned in_size,
                    void* server) {
    const std::string offered(reinterpret_cast<const char*>(in), in_size);
    for (const std::string& name : static_cast<http2_server*>(server)->protocols) {
        const std::size_t at = offered.find(static_cast<char>(name.size()) + name);
        if (at != std::string::npos) {
            *out = in + at + 1;
            *out_size = static_cast<unsigned char>(name.size());
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

std::string body_about(const std::string& id) {
    return R"({"id":")" + id
           + R"(","object":"session","status":"active","mode":"bidirectional_translation",)"
             R"("stream":{"token":"tok_live_0123456789abcdefghijklmnopqrstuvwxyz"},)"
             R"("created_at":"2026-04-14T10:00:00Z"})";
}

std::string id_in(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

} // namespace

http2_server::http2_server(loop_executor executor, tls_context tls, const std::string& address)
    : tls_(std::move(tls)),
      acceptor_(executor, tcp_endpoint(asio::ip::make_address(address), 0)),
      port_(acceptor_.local_endpoint().port()),
      group_(executor, loop::failure()) {
    SSL_CTX_set_alpn_select_cb(tls_.native(), choose_protocol, this);
    group_.spawn("accept", accept());
}

void http2_server::good_answer(connection& to, const http2_peer::request& request) {
    const std::string body = body_about(id_in(request.fields.at(":path")));
    to.peer->answer(request.stream,
                    {{":status", "200"},
                     {"content-type", "application/json"},
                     {"content-length", std::to_string(body.size())}},
                    body);
}

std::size_t http2_server::requests() const {
    std::size_t count = 0;
    for (const connection& each : connections) {
        count += each.requests;
    }
    return count;
}

void http2_server::stop() {
    acceptor_.close();
    for (connection& each : connections) {
        each.socket.close();
    }
}

void http2_server::refuse() {
    acceptor_.close();
    for (connection& each : connections) {
        if (!each.ended) {
            close(each);
        }
    }
}

void http2_server::listen() {
    const tcp_endpoint address(asio::ip::make_address("127.0.0.1"), port_);
    acceptor_ = tcp_acceptor(acceptor_.get_executor(), address);
    group_.spawn("accept", accept());
}

task<> http2_server::accept() {
    for (;;) {
        auto accepted = co_await acceptor_.async_accept(as_tuple);
        if (std::get<0>(accepted)) {
            co_return;
        }
        tcp_socket& socket = std::get<1>(accepted);
        // As real servers do. Otherwise the second of two answers may never leave if the connection is reset behind it.
        socket.set_option(asio::ip::tcp::no_delay(true));
        connection& next = connections.emplace_back(std::move(socket), tls_, connections.size());
        group_.spawn("connection", serve(&next));
    }
}

task<> http2_server::serve(connection* which) {
    const bool established = co_await shake_hands(which);
    if (established && !greeting.empty()) {
        write(*which, greeting);
    } else if (established && which->engine.protocol() == "h2" && !silent) {
        which->peer.emplace(max_streams);
        send(*which);
    }
    std::array<char, 16384> buffer{};
    bool alive = established && absorb(*which, which->early);
    while (alive && !which->ended) {
        const auto read = co_await which->socket.async_read_some(asio::buffer(buffer), as_tuple);
        alive = !std::get<0>(read) && absorb(*which, std::span(buffer).first(std::get<1>(read)));
    }
    which->ended = true;
    error_code ignored;
    which->socket.close(ignored);
}

task<bool> http2_server::shake_hands(connection* which) {
    std::array<char, 16384> buffer{};
    std::span<const char> input;
    for (;;) {
        std::string out;
        const tls_status status = which->engine.handshake(input, out);
        error_code error;
        if (!out.empty()) {
            which->socket.write_some(asio::buffer(out), error);
        }
        if (status != tls_status::want_input) {
            // The client's first bytes may have come together with the end of its handshake.
            which->early.assign(input.data(), input.size());
            co_return status == tls_status::done;
        }
        const auto read = co_await which->socket.async_read_some(asio::buffer(buffer), as_tuple);
        if (std::get<0>(read)) {
            co_return false;
        }
        input = std::span<const char>(buffer).first(std::get<1>(read));
    }
}

bool http2_server::absorb(connection& from, std::span<const char> input) {
    std::array<char, 16384> plain{};
    for (;;) {
        std::string out;
        const auto result = from.engine.read(input, plain, out);
        if (result.status != tls_status::done) {
            return result.status == tls_status::want_input;
        }
        take(from, {plain.data(), result.size});
    }
}

void http2_server::take(connection& from, std::string_view plaintext) {
    if (from.silent || silent || !greeting.empty() || from.ended) {
        return;
    }
    if (!from.peer) {
        take_http1(from, plaintext);
        return;
    }
    from.peer->receive(plaintext);
    // Those that the handler does not answer stay with the test.
    for (const http2_peer::request& each : std::exchange(from.peer->open, {})) {
        ++from.requests;
        answer(from, each);
    }
    if (!from.ended) {
        send(from);
    }
}

void http2_server::take_http1(connection& from, std::string_view plaintext) {
    from.http1 += plaintext;
    const std::size_t end = from.http1.find("\r\n\r\n");
    if (end == std::string::npos) {
        return;
    }
    ++from.requests;
    const std::string path = from.http1.substr(4, from.http1.find(' ', 4) - 4);
    const std::string body = body_about(id_in(path));
    from.http1.clear();
    write(from,
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void http2_server::send(connection& to, const std::string& more) {
    write(to, (to.peer ? to.peer->take() : std::string()) + more);
}

void http2_server::write(connection& to, std::string_view plaintext) {
    std::string out;
    if (plaintext.empty() || to.engine.write(plaintext, out) != tls_status::done) {
        return;
    }
    // Small enough for the buffers of a socket on this machine.
    error_code error;
    for (std::string_view rest = out; !rest.empty() && !error;) {
        rest.remove_prefix(to.socket.write_some(asio::buffer(rest), error));
    }
}

void http2_server::close(connection& which, bool reset) {
    which.ended = true;
    error_code ignored;
    if (reset) {
        which.socket.set_option(asio::socket_base::linger(true, 0), ignored);
    } else {
        std::string out;
        which.engine.close(out);
        which.socket.write_some(asio::buffer(out), ignored);
    }
    which.socket.close(ignored);
}

} // namespace kallglot::test
