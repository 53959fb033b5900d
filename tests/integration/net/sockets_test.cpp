// What Asio does with a socket that it has connected, and how errors of a connect are translated.

#include "net/sockets.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <string_view>

namespace kallglot::test {
namespace {

// Otherwise each wait for a response costs a turn of the loop, because a connected socket is writable.
TEST(Sockets, OnlyBytesToReadWakeTheLoop) {
    asio::io_context io(1);
    tcp_acceptor acceptor(io.get_executor(), tcp_endpoint(asio::ip::address_v4::loopback(), 0));
    const tcp_endpoint peer = acceptor.local_endpoint();
    tcp_socket client(io.get_executor());
    client.open(peer.protocol());
    client.non_blocking(true);
    bool connected = false;
    client.async_connect(peer, [&](const error_code& error) { connected = !error; });
    tcp_socket server(io.get_executor());
    acceptor.accept(server);
    io.run();
    ASSERT_TRUE(connected);
    io.restart();

    tcp_socket armed = armed_for_reading(client, peer);
    EXPECT_TRUE(armed.non_blocking());
    bool readable = false;
    armed.async_wait(tcp_socket::wait_read, [&](const error_code& error) { readable = !error; });
    EXPECT_EQ(io.poll(), 0U);
    server.write_some(asio::buffer(std::string_view("x")));
    io.run();
    EXPECT_TRUE(readable);
}

TEST(Sockets, AListenerThatClosesRefuses) {
    // It resets the connections that it has not accepted.
    for (const int number : {ECONNREFUSED, ECONNRESET}) {
        EXPECT_EQ(translate_connect_error(error_code(number, boost::system::system_category())),
                  errc::connect_refused);
    }
}

} // namespace
} // namespace kallglot::test
