#include "support/postgres_peer.hpp"

#include "net/tls/tls_engine.hpp"
#include "support/loop.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace kallglot::test {

namespace {

constexpr std::size_t length_size = 4;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + length_size; ++i) {
        value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
    }
    return value;
}

// The code of a request for TLS, in the place of the protocol's version.
constexpr std::uint32_t tls_request = 80877103;

} // namespace

struct postgres_peer::guest {
    guest(tcp_socket taken, const peer_script& plan, peer_record& notes)
        : socket(std::move(taken)),
          script(plan),
          record(notes) {}

    tcp_socket socket;
    std::unique_ptr<tls_engine> engine;
    peer_script script;
    peer_record& record;
    std::string unread;
    std::array<char, 16384> buffer{};
};

bool peer_record::received(std::string_view bytes) const {
    return startup.find(bytes) != std::string::npos
           || std::ranges::any_of(messages, [&](const std::string& each) {
                  return each.find(bytes) != std::string::npos;
              });
}

postgres_peer::postgres_peer(loop_executor executor,
                             std::vector<peer_script> scripts,
                             std::optional<tls_context> tls)
    : tls_(std::move(tls)),
      scripts_(std::move(scripts)),
      acceptor_(executor, tcp_endpoint(asio::ip::make_address("127.0.0.1"), 0)),
      port_(acceptor_.local_endpoint().port()),
      group_(executor, loop::failure()) {
    group_.spawn("accept", accept());
}

postgres_peer::~postgres_peer() = default;

bool postgres_peer::deserted() const {
    return std::ranges::all_of(records_, &peer_record::ended);
}

void postgres_peer::stop() {
    acceptor_.close();
    for (const auto& each : guests_) {
        if (const auto alive = each.lock()) {
            alive->socket.close();
        }
    }
}

task<> postgres_peer::accept() {
    for (;;) {
        auto accepted = co_await acceptor_.async_accept(as_tuple);
        if (std::get<0>(accepted)) {
            co_return;
        }
        const std::size_t index = std::min(records_.size(), scripts_.size() - 1);
        peer_record& record = records_.emplace_back();
        const auto who =
            std::make_shared<guest>(std::move(std::get<1>(accepted)), scripts_[index], record);
        guests_.push_back(who);
        group_.spawn("serve", serve(who));
    }
}

task<> postgres_peer::serve(std::shared_ptr<guest> who) {
    bool going = true;
    if (!who->script.stall) {
        going = co_await start(who);
        for (const peer_step& each : who->script.steps) {
            if (going) {
                going = co_await perform(who, each);
            }
        }
    }
    // To the end: what the client sends is not of interest any more.
    while (going) {
        who->unread.clear();
        going = co_await receive(who);
    }
    who->record.ended = true;
}

// The startup message, behind a request of TLS if there is one.
task<bool> postgres_peer::start(std::shared_ptr<guest> who) {
    for (;;) {
        const bool has_length = co_await take_bytes(who, length_size);
        if (!has_length) {
            co_return false;
        }
        const std::size_t size = number_at(who->unread, 0);
        const bool whole = co_await take_bytes(who, size);
        if (!whole) {
            co_return false;
        }
        const std::string body = who->unread.substr(length_size, size - length_size);
        who->unread.erase(0, size);
        if (number_at(body, 0) != tls_request) {
            who->record.startup = body;
            co_return true;
        }
        const bool answered = co_await send(who, who->script.tls_answer);
        if (!answered) {
            co_return false;
        }
        if (who->script.tls_answer.starts_with('S') && tls_) {
            who->engine = std::make_unique<tls_engine>(*tls_);
            const bool secure = co_await shake_hands(who);
            if (!secure) {
                co_return false;
            }
        }
    }
}

task<bool> postgres_peer::shake_hands(std::shared_ptr<guest> who) {
    std::span<const char> input;
    for (;;) {
        std::string out;
        const tls_status status = who->engine->handshake(input, out);
        const auto sent = co_await asio::async_write(who->socket, asio::buffer(out), as_tuple);
        if (status == tls_status::failed || std::get<0>(sent)) {
            who->record.tls_failure = who->engine->reason();
            co_return false;
        }
        if (status == tls_status::done) {
            break;
        }
        const auto read = co_await who->socket.async_read_some(asio::buffer(who->buffer), as_tuple);
        if (std::get<0>(read)) {
            who->record.tls_failure = "the client went away";
            co_return false;
        }
        input = std::span<const char>(who->buffer.data(), std::get<1>(read));
    }
    // What came behind the last message of the handshake.
    std::array<char, 16384> plain{};
    std::string out;
    const auto early = who->engine->read(input, plain, out);
    if (early.status == tls_status::done) {
        who->unread.append(plain.data(), early.size);
    }
    co_return early.status == tls_status::done || early.status == tls_status::want_input;
}

task<bool> postgres_peer::perform(std::shared_ptr<guest> who, peer_step step) {
    switch (step.what) {
        case peer_step::kind::await_message: {
            const bool got = co_await await_message(who, step.bytes.at(0));
            co_return got;
        }
        case peer_step::kind::send: {
            const bool sent = co_await send(who, step.bytes);
            co_return sent;
        }
        case peer_step::kind::drip:
            for (const char each : step.bytes) {
                const bool sent = co_await send(who, std::string(1, each));
                if (!sent) {
                    co_return false;
                }
            }
            co_return true;
        case peer_step::kind::flood: {
            bool sent = true;
            while (sent) {
                sent = co_await send(who, step.bytes);
            }
            co_return false;
        }
        case peer_step::kind::close:
            who->socket.close();
            co_return false;
        case peer_step::kind::reset:
            who->socket.set_option(asio::socket_base::linger(true, 0));
            who->socket.close();
            co_return false;
        case peer_step::kind::stall: {
            bool more = true;
            while (more) {
                more = co_await receive(who);
            }
            co_return false;
        }
        case peer_step::kind::ignore:
            co_await who->socket.async_wait(tcp_socket::wait_error, as_tuple);
            co_return false;
    }
    co_return false;
}

task<bool> postgres_peer::await_message(std::shared_ptr<guest> who, char type) {
    for (;;) {
        const bool has_header = co_await take_bytes(who, 1 + length_size);
        if (!has_header) {
            co_return false;
        }
        const std::size_t size = 1 + number_at(who->unread, 1);
        const bool whole = co_await take_bytes(who, size);
        if (!whole) {
            co_return false;
        }
        const char found = who->unread[0];
        who->record.messages.push_back(
            found + who->unread.substr(1 + length_size, size - 1 - length_size));
        who->unread.erase(0, size);
        if (found == type) {
            co_return true;
        }
    }
}

// Until that many bytes are unread.
task<bool> postgres_peer::take_bytes(std::shared_ptr<guest> who, std::size_t count) {
    bool more = true;
    while (more && who->unread.size() < count) {
        more = co_await receive(who);
    }
    co_return more;
}

task<bool> postgres_peer::receive(std::shared_ptr<guest> who) {
    const auto read = co_await who->socket.async_read_some(asio::buffer(who->buffer), as_tuple);
    if (std::get<0>(read)) {
        co_return false;
    }
    std::span<const char> input(who->buffer.data(), std::get<1>(read));
    if (!who->engine) {
        who->unread.append(input.data(), input.size());
        co_return true;
    }
    std::array<char, 16384> plain{};
    for (;;) {
        std::string out;
        const auto result = who->engine->read(input, plain, out);
        if (result.status != tls_status::done) {
            co_return result.status == tls_status::want_input;
        }
        who->unread.append(plain.data(), result.size);
    }
}

task<bool> postgres_peer::send(std::shared_ptr<guest> who, std::string bytes) {
    std::string out;
    if (who->engine) {
        static_cast<void>(who->engine->write(bytes, out));
    } else {
        out = std::move(bytes);
    }
    const auto sent = co_await asio::async_write(who->socket, asio::buffer(out), as_tuple);
    co_return !std::get<0>(sent);
}

std::vector<peer_step> opened() {
    return {{peer_step::kind::send, postgres::welcome()},
            {peer_step::kind::await_message, "S"},
            {peer_step::kind::send, postgres::checked()}};
}

peer_script opened_then(std::vector<peer_step> more) {
    peer_script script;
    script.steps = opened();
    script.steps.insert(script.steps.end(), more.begin(), more.end());
    return script;
}

} // namespace kallglot::test
