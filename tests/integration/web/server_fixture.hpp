/// Fixture of the server's tests: a server on port 0 of 127.0.0.1, a clock that the test moves, and clients with plain
/// sockets.

#ifndef KALLGLOT_WEB_SERVER_FIXTURE_HPP
#define KALLGLOT_WEB_SERVER_FIXTURE_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "net/sockets.hpp"
#include "support/loop.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::test {

/// A client with a non-blocking socket, which reads while the test's loop runs.
class raw_client {
public:
    /// `from` is the address of the client, one of 127.0.0.0/8.
    raw_client(loop& runner,
               std::uint16_t port,
               int receive_buffer = 0,
               const std::string& from = "127.0.0.1");

    void send(std::string_view bytes);
    /// Ends the sending direction.
    void end();
    void close();

    /// Reads until the text ends with `end`, or to the end of the stream.
    testing::AssertionResult read_until(std::string_view end);
    testing::AssertionResult read_to_end();
    /// Reads until there is more than `size` bytes of text.
    testing::AssertionResult read_beyond(std::size_t size);

    /// Removes one response with Content-Length from the front of the received text and returns it.
    std::string take_answer();

    [[nodiscard]] bool closed() const noexcept { return closed_; }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    void pump();

    loop& loop_;
    tcp_socket socket_;
    std::string text_;
    bool closed_ = false;
};

class server_fixture : public testing::Test {
protected:
    server_fixture();
    ~server_fixture() override;

    /// Starts the server. The test may change `limits` before.
    void start();

    [[nodiscard]] raw_client& connect(int receive_buffer = 0,
                                      const std::string& from = "127.0.0.1");

    /// Sends bytes on a new connection and returns all bytes that the server sends until it closes.
    [[nodiscard]] std::string exchange(std::string_view bytes);

    /// Runs until the server has processed the sent bytes and waits.
    void settle();

    /// Call both functions on the loop, as the daemon does.
    void finish();
    void cut();

    /// Lets the handler of `/wait` answer.
    void release();
    [[nodiscard]] task<http_response> wait_for_release(http_request request);

    loop loop_;
    virtual_clock clock_;
    null_logger log_;
    http_limits limits_;
    http_routes routes_;
    http_server::gate asked_; ///< the gate from start() on; empty: none
    std::unique_ptr<http_server> server_;
    std::list<raw_client> clients_;
    std::unique_ptr<steady_timer> gate_;
    int waiting_ = 0;
    std::optional<http_response> body_refusal_; ///< the check of the bodies of `/keep`
    std::string last_body_;
    std::string large_ = std::string(std::size_t{8} * 1024 * 1024, 'L');
};

} // namespace kallglot::test

#endif
