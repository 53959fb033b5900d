#include "server_fixture.hpp"

#include "kallglot/async/deadline.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>
#include <stdexcept>

namespace kallglot::test {

namespace {

using tcp = asio::ip::tcp;

// A coroutine without captures: it gets everything as parameters.
task<http_response> say_hello(http_request) {
    co_return make_text_response(200, "hello, this is a page of more than thirty-two bytes");
}

// Where the server places the client of a request.
task<http_response> tell_place(http_request request) {
    co_return make_text_response(200,
                                 std::to_string(request.client.network.prefix)
                                     + (request.client.network.is_v6 ? " v6" : " v4")
                                     + (request.client.on_loopback ? " on loopback" : ""));
}

task<http_response> fail(http_request) {
    throw std::runtime_error("a handler with a bug");
    co_return http_response();
}

task<http_response> keep_body(std::string* into, http_request request) {
    *into = std::move(request.body);
    co_return make_text_response(201, "kept");
}

task<http_response> give_large(const std::string* body, http_request) {
    http_response response;
    response.body = *body;
    co_return response;
}

} // namespace

raw_client::raw_client(loop& runner,
                       std::uint16_t port,
                       int receive_buffer,
                       const std::string& from)
    : loop_(runner),
      socket_(runner.executor(), tcp::v4()) {
    if (receive_buffer != 0) {
        socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer));
    }
    socket_.bind(tcp_endpoint(asio::ip::make_address(from), 0));
    socket_.connect(tcp_endpoint(asio::ip::address_v4::loopback(), port));
    socket_.non_blocking(true);
}

void raw_client::send(std::string_view bytes) {
    // Sends everything and runs the loop meanwhile: the server may have to read before the kernel has room.
    ASSERT_TRUE(loop_.run_until([&] {
        error_code error;
        const std::size_t sent =
            socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
        bytes.remove_prefix(sent);
        if (error && error != asio::error::would_block) {
            bytes = {};
        }
        asio::post(loop_.executor(), [] {});
        return bytes.empty();
    }));
}

void raw_client::end() {
    socket_.shutdown(tcp_socket::shutdown_send);
}

void raw_client::close() {
    socket_.close();
}

void raw_client::pump() {
    std::array<char, 65536> piece;
    error_code error;
    while (!error) {
        const std::size_t size = socket_.read_some(asio::buffer(piece), error);
        text_.append(piece.data(), size);
    }
    closed_ = closed_ || error != asio::error::would_block;
    // Keeps the loop running while only the client waits.
    asio::post(loop_.executor(), [] {});
}

testing::AssertionResult raw_client::read_until(std::string_view end) {
    return loop_.run_until([&] {
        pump();
        return text_.ends_with(end) || closed_;
    });
}

testing::AssertionResult raw_client::read_beyond(std::size_t size) {
    return loop_.run_until([&] {
        pump();
        return text_.size() > size || closed_;
    });
}

testing::AssertionResult raw_client::read_to_end() {
    return loop_.run_until([&] {
        pump();
        return closed_;
    });
}

std::string raw_client::take_answer() {
    std::size_t size = std::string::npos;
    const auto complete = [&] {
        pump();
        const std::size_t head = text_.find("\r\n\r\n");
        if (head == std::string::npos) {
            return closed_;
        }
        constexpr std::string_view name = "Content-Length: ";
        const std::size_t length = text_.find(name);
        const std::size_t body = length < head ? std::stoul(text_.substr(length + name.size())) : 0;
        size = head + 4 + body;
        return text_.size() >= size || closed_;
    };
    EXPECT_TRUE(loop_.run_until(complete));
    std::string answer = text_.substr(0, size);
    text_.erase(0, size);
    return answer;
}

server_fixture::server_fixture() : gate_(std::make_unique<steady_timer>(loop_.executor())) {
    gate_->expires_at(steady_timer::time_point::max());
    routes_.add("GET", "/", &say_hello);
    routes_.add("GET", "/place", &tell_place);
    routes_.add("GET", "/fail", &fail);
    routes_.add("GET", "/large", [this](http_request r) {
        return give_large(&large_, std::move(r));
    });
    routes_.add("GET", "/wait", [this](http_request r) { return wait_for_release(std::move(r)); });
    routes_.add_with_body(
        "POST",
        "/keep",
        [this](http_request r) { return keep_body(&last_body_, std::move(r)); },
        [this](const http_request&) { return body_refusal_; });
}

server_fixture::~server_fixture() {
    if (server_) {
        cut();
        EXPECT_TRUE(loop_.run(server_->join()));
        EXPECT_EQ(server_->connections(), 0U);
    }
    clients_.clear();
    gate_.reset();
}

void server_fixture::start() {
    server_ =
        std::make_unique<http_server>(loop_.executor(), "private", routes_, limits_, clock_, log_);
    if (asked_) {
        server_->use_gate(asked_);
    }
    listen_address address;
    address.host = "127.0.0.1";
    ASSERT_FALSE(server_->listen(address));
    ASSERT_NE(server_->port(), 0);
}

raw_client& server_fixture::connect(int receive_buffer, const std::string& from) {
    const std::size_t before = server_->connections();
    raw_client& client = clients_.emplace_back(loop_, server_->port(), receive_buffer, from);
    EXPECT_TRUE(loop_.run_until([&] {
        asio::post(loop_.executor(), [] {});
        return server_->connections() > before;
    }));
    settle();
    return client;
}

std::string server_fixture::exchange(std::string_view bytes) {
    raw_client& client = connect();
    client.send(bytes);
    EXPECT_TRUE(client.read_to_end());
    return client.text();
}

void server_fixture::settle() {
    // Loopback delivers before send() returns, and the loop processes received bytes in a few turns.
    for (int turn = 0; turn < 20; ++turn) {
        loop_.poll();
    }
}

void server_fixture::finish() {
    asio::post(loop_.executor(), [this] { server_->finish(); });
    settle();
}

void server_fixture::cut() {
    asio::post(loop_.executor(), [this] { server_->cut(); });
    settle();
}

void server_fixture::release() {
    gate_->cancel();
}

task<http_response> server_fixture::wait_for_release(http_request) {
    ++waiting_;
    co_await gate_->async_wait(as_tuple);
    --waiting_;
    co_return make_text_response(200, "released after a while, with a text of some length");
}

} // namespace kallglot::test
