// A server that follows the scripts of a test, over real sockets, with or without TLS.
//
// Each accepted connection follows one script, step by step; the last script serves all later connections. The server
// records what it receives, above all the plaintext.

#ifndef KALLGLOT_TEST_NET_SCRIPTED_SERVER_HPP
#define KALLGLOT_TEST_NET_SCRIPTED_SERVER_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "net/sockets.hpp"
#include "net/tls/tls_engine.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {

struct step {
    enum class kind : std::uint8_t {
        request, // wait for a whole request
        send,    // bytes, encrypted if there is TLS; {id} is replaced by the id of the last request
        send_raw,     // bytes as they are
        close_notify, // the orderly end of TLS
        close,        // end of stream
        reset,        // a TCP reset
        stall,        // send nothing until the client or the test ends the connection
        key_update,   // TLS 1.3: new keys, and the client must send new ones as well
    };

    kind what;
    std::string bytes = {};
};

struct script {
    std::vector<step> steps;
    bool stall_handshake = false; // accept, and send nothing
    bool repeat = false;          // begin again after the last step
};

/// The record of one connection of the server.
struct seen {
    bool established = false;
    bool resumed = false;
    bool closed_by_notify = false;
    std::string plaintext; // all of it
    std::vector<std::string> requests;
    std::string failure;
};

/// Lifetime: before it is destroyed, stop() it and run the loop until it is empty.
class scripted_server {
public:
    scripted_server(loop_executor executor,
                    std::optional<tls_context> tls,
                    std::vector<script> scripts,
                    const std::string& address = "127.0.0.1",
                    std::uint16_t port = 0);
    ~scripted_server();
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// One for each connection, in the order of arrival.
    [[nodiscard]] const std::list<seen>& connections() const { return seen_; }

    [[nodiscard]] std::size_t requests() const;

    /// Bytes of plaintext over all connections.
    [[nodiscard]] std::size_t plaintext() const;

    void stop();

    /// Whether all of its tasks have ended.
    [[nodiscard]] bool finished() const { return group_.size() == 0; }

private:
    struct peer;

    task<> accept();
    task<> serve(std::shared_ptr<peer> connection);
    task<bool> perform(std::shared_ptr<peer> connection, step each);
    task<bool> shake_hands(std::shared_ptr<peer> connection);
    task<bool> await_request(std::shared_ptr<peer> connection);
    task<bool> receive(std::shared_ptr<peer> connection);
    task<bool> send(std::shared_ptr<peer> connection, std::string bytes);

    std::optional<tls_context> tls_;
    std::vector<script> scripts_;
    tcp_acceptor acceptor_;
    std::uint16_t port_;
    std::list<seen> seen_;
    std::list<std::weak_ptr<peer>> peers_;
    task_group group_;
};

/// A whole response with a body that describes the requested session.
[[nodiscard]] step good_answer(const std::string& extra_headers = {});

/// Answers every request with good_answer().
[[nodiscard]] script always_good();

/// A whole response from parts.
[[nodiscard]] std::string response(const std::string& status_line,
                                   const std::string& headers,
                                   const std::string& body);

} // namespace kallglot::test

#endif
