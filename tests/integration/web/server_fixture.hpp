/// A server on port 0 of 127.0.0.1 with a clock that the test moves, and clients made of plain sockets.

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
#include <string>
#include <string_view>

namespace kallglot::test {

/// A client whose socket does not block: reads while the test's loop runs.
class raw_client {
public:
    raw_client(loop& runner, std::uint16_t port, int receive_buffer = 0);

    void send(std::string_view bytes);
    /// No more requests from this side.
    void end();
    void close();

    /// Reads until the text ends with `end`, or to the end of the stream.
    testing::AssertionResult read_until(std::string_view end);
    testing::AssertionResult read_to_end();
    /// Reads until there is more than `size` bytes of text.
    testing::AssertionResult read_beyond(std::size_t size);

    /// Takes one answer with Content-Length off the front of what was read.
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

    /// Starts it; `limits` may be changed before.
    void start();

    [[nodiscard]] raw_client& connect(int receive_buffer = 0);

    /// Sends bytes on a connection of their own and gives what came back until the server closed.
    [[nodiscard]] std::string exchange(std::string_view bytes);

    /// Until the server has taken in what was sent and waits.
    void settle();

    /// Both are called on the loop, as the daemon does.
    void finish();
    void cut();

    /// Ends what a `/wait` request waits for.
    void release();
    [[nodiscard]] task<http_response> wait_for_release(http_request request);

    loop loop_;
    virtual_clock clock_;
    null_logger log_;
    http_limits limits_;
    http_routes routes_;
    http_server::gate asked_; ///< from start() on; none if empty
    std::unique_ptr<http_server> server_;
    std::list<raw_client> clients_;
    std::unique_ptr<steady_timer> gate_;
    int waiting_ = 0;
    std::string last_body_;
    std::string large_ = std::string(std::size_t{8} * 1024 * 1024, 'L');
};

} // namespace kallglot::test

#endif
