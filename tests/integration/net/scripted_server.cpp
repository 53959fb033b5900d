#include "scripted_server.hpp"

#include "support/loop.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <openssl/ssl.h>

#include <array>
#include <utility>

namespace kallglot::test {

struct scripted_server::peer {
    peer(tcp_socket taken, const std::optional<tls_context>& tls, const script& plan, seen& facts)
        : socket(std::move(taken)),
          engine(tls ? std::make_unique<tls_engine>(*tls) : nullptr),
          todo(plan),
          notes(facts) {}

    // Decrypts received bytes; false if the client has ended the stream.
    bool absorb(std::span<const char> input) {
        if (!engine) {
            take(input.data(), input.size());
            return true;
        }
        std::array<char, 16384> plain{};
        for (;;) {
            std::string out;
            const auto result = engine->read(input, plain, out);
            if (result.status != tls_status::done) {
                notes.closed_by_notify = result.status == tls_status::closed;
                return result.status == tls_status::want_input;
            }
            take(plain.data(), result.size);
        }
    }

    void take(const char* bytes, std::size_t size) {
        unread.append(bytes, size);
        notes.plaintext.append(bytes, size);
    }

    tcp_socket socket;
    std::unique_ptr<tls_engine> engine;
    script todo;
    seen& notes;
    std::string unread; // plaintext of requests that the script has not reached
    std::string id;
    std::array<char, 16384> buffer{};
};

namespace {

void replace(std::string& text, const std::string& what, const std::string& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what)) {
        text.replace(at, what.size(), by);
    }
}

// Puts the requested id, and the length of the body that contains it, into a response.
std::string fill_in(std::string text, const std::string& id) {
    replace(text, "{id}", id);
    const std::size_t header = text.find("\r\n\r\n");
    if (header != std::string::npos) {
        // The placeholder is in the header, so replacing it does not change the length of the body.
        replace(text, "{length}", std::to_string(text.size() - header - 4));
    }
    return text;
}

} // namespace

scripted_server::scripted_server(loop_executor executor,
                                 std::optional<tls_context> tls,
                                 std::vector<script> scripts,
                                 const std::string& address,
                                 std::uint16_t port)
    : tls_(std::move(tls)),
      scripts_(std::move(scripts)),
      acceptor_(executor, tcp_endpoint(asio::ip::make_address(address), port)),
      port_(acceptor_.local_endpoint().port()),
      group_(executor, loop::failure()) {
    group_.spawn("accept", accept());
}

scripted_server::~scripted_server() = default;

std::size_t scripted_server::requests() const {
    std::size_t count = 0;
    for (const seen& each : seen_) {
        count += each.requests.size();
    }
    return count;
}

std::size_t scripted_server::plaintext() const {
    std::size_t count = 0;
    for (const seen& each : seen_) {
        count += each.plaintext.size();
    }
    return count;
}

void scripted_server::stop() {
    acceptor_.close();
    for (const auto& each : peers_) {
        if (const auto alive = each.lock()) {
            alive->socket.close();
        }
    }
}

task<> scripted_server::accept() {
    for (;;) {
        auto accepted = co_await acceptor_.async_accept(as_tuple);
        const error_code error = std::get<0>(accepted);
        // Accepting fails while a test uses up all descriptors.
        if (error == boost::system::errc::too_many_files_open) {
            continue;
        }
        if (error) {
            co_return;
        }
        const std::size_t index = std::min(seen_.size(), scripts_.size() - 1);
        seen& notes = seen_.emplace_back();
        const auto connection =
            std::make_shared<peer>(std::move(std::get<1>(accepted)), tls_, scripts_[index], notes);
        peers_.push_back(connection);
        group_.spawn("serve", serve(connection));
    }
}

task<> scripted_server::serve(std::shared_ptr<peer> connection) {
    if (connection->todo.stall_handshake) {
        co_await connection->socket.async_wait(tcp_socket::wait_error, as_tuple);
        co_return;
    }
    if (connection->engine) {
        const bool ready = co_await shake_hands(connection);
        if (!ready) {
            co_return;
        }
    }
    connection->notes.established = true;
    do {
        for (const step& each : connection->todo.steps) {
            const bool go_on = co_await perform(connection, each);
            if (!go_on) {
                co_return;
            }
        }
    } while (connection->todo.repeat);
    // After the last step the server still records what the client sends.
    bool more = true;
    while (more) {
        more = co_await receive(connection);
    }
}

task<bool> scripted_server::perform(std::shared_ptr<peer> connection, step each) {
    switch (each.what) {
        case step::kind::request: {
            const bool got = co_await await_request(connection);
            co_return got;
        }
        case step::kind::send: {
            std::string bytes = fill_in(each.bytes, connection->id);
            std::string out;
            if (connection->engine) {
                static_cast<void>(connection->engine->write(bytes, out));
            } else {
                out = std::move(bytes);
            }
            const bool sent = co_await send(connection, std::move(out));
            co_return sent;
        }
        case step::kind::send_raw: {
            const bool sent = co_await send(connection, each.bytes);
            co_return sent;
        }
        case step::kind::close_notify: {
            std::string out;
            connection->engine->close(out);
            const bool sent = co_await send(connection, std::move(out));
            co_return sent;
        }
        case step::kind::key_update: {
            SSL_key_update(connection->engine->native(), SSL_KEY_UPDATE_REQUESTED);
            co_return true;
        }
        case step::kind::close:
            connection->socket.close();
            co_return false;
        case step::kind::reset:
            connection->socket.set_option(asio::socket_base::linger(true, 0));
            connection->socket.close();
            co_return false;
        case step::kind::stall: {
            bool more = true;
            while (more) {
                more = co_await receive(connection);
            }
            co_return false;
        }
    }
    co_return false;
}

task<bool> scripted_server::shake_hands(std::shared_ptr<peer> connection) {
    std::span<const char> input;
    for (;;) {
        std::string out;
        const tls_status status = connection->engine->handshake(input, out);
        const bool sent = co_await send(connection, std::move(out));
        if (status == tls_status::failed || !sent) {
            connection->notes.failure = connection->engine->reason();
            co_return false;
        }
        if (status == tls_status::done) {
            connection->notes.resumed = connection->engine->resumed();
            co_return connection->absorb(input);
        }
        const auto read =
            co_await connection->socket.async_read_some(asio::buffer(connection->buffer), as_tuple);
        if (std::get<0>(read)) {
            connection->notes.failure = "the client went away";
            co_return false;
        }
        input = std::span<const char>(connection->buffer.data(), std::get<1>(read));
    }
}

task<bool> scripted_server::await_request(std::shared_ptr<peer> connection) {
    for (;;) {
        const std::size_t end = connection->unread.find("\r\n\r\n");
        if (end != std::string::npos) {
            std::string text = connection->unread.substr(0, end + 4);
            connection->unread.erase(0, end + 4);
            const std::size_t from = text.find("/sessions/") + 10;
            connection->id = text.substr(from, text.find(' ', from) - from);
            connection->notes.requests.push_back(std::move(text));
            co_return true;
        }
        const bool more = co_await receive(connection);
        if (!more) {
            co_return false;
        }
    }
}

task<bool> scripted_server::receive(std::shared_ptr<peer> connection) {
    const auto read =
        co_await connection->socket.async_read_some(asio::buffer(connection->buffer), as_tuple);
    if (std::get<0>(read)) {
        co_return false;
    }
    co_return connection->absorb({connection->buffer.data(), std::get<1>(read)});
}

task<bool> scripted_server::send(std::shared_ptr<peer> connection, std::string bytes) {
    if (bytes.empty()) {
        co_return true;
    }
    const auto sent = co_await asio::async_write(connection->socket, asio::buffer(bytes), as_tuple);
    co_return !std::get<0>(sent);
}

std::string response(const std::string& status_line,
                     const std::string& headers,
                     const std::string& body) {
    return status_line + "\r\n" + headers + "\r\n" + body;
}

step good_answer(const std::string& extra_headers) {
    const std::string body = R"({"id":"{id}","object":"session","status":"active",)"
                             R"("created_at":"2026-04-14T10:00:00Z",)"
                             R"("stream":{"token":"tok_of_a_live_stream"}})";
    return {step::kind::send,
            response("HTTP/1.1 200 OK",
                     "Content-Type: application/json\r\nDate: Tue, 14 Apr 2026 10:00:30 GMT\r\n"
                         + extra_headers + "Content-Length: {length}\r\n",
                     body)};
}

script always_good() {
    return {.steps = {{step::kind::request}, good_answer()}, .repeat = true};
}

} // namespace kallglot::test
