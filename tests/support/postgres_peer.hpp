// A PostgreSQL server that follows the scripts of a test, over loopback, with or without TLS.
//
// It understands only where a client's message ends. Each connection follows one script; the last one serves all later
// connections.

#ifndef KALLGLOT_TEST_SUPPORT_POSTGRES_PEER_HPP
#define KALLGLOT_TEST_SUPPORT_POSTGRES_PEER_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task_group.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "net/sockets.hpp"
#include "support/postgres_messages.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {

struct peer_step {
    enum class kind : std::uint8_t {
        await_message, // the type of the message, for example "Q"; those before it are recorded
        send,          // encrypted if there is TLS, in records of at most 16 KiB
        drip,          // byte by byte, each in a turn of its own
        flood,         // the bytes again and again, until the client ends the connection
        close,         // end of stream
        reset,         // a TCP reset
        stall,         // nothing, until the client ends the connection
        ignore,        // not even reading, until the client ends the connection
    };

    kind what;
    std::string bytes = {};
};

struct peer_script {
    std::vector<peer_step> steps;
    /// Sent for a request of TLS. TLS begins behind one that begins with S, if the peer has a context.
    std::string tls_answer = "S";
    /// Accept, and send nothing.
    bool stall = false;
};

/// What one connection received.
struct peer_record {
    std::string startup;               // names and values of the startup message
    std::vector<std::string> messages; // each with its type as the first byte, without length
    std::string tls_failure;
    bool ended = false; // by the client

    [[nodiscard]] bool received(std::string_view bytes) const;
};

/// Lifetime: before it is destroyed, stop() it and run the loop until it is finished().
class postgres_peer {
public:
    postgres_peer(loop_executor executor,
                  std::vector<peer_script> scripts,
                  std::optional<tls_context> tls = std::nullopt);
    ~postgres_peer();
    postgres_peer(const postgres_peer&) = delete;
    postgres_peer& operator=(const postgres_peer&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    [[nodiscard]] const std::list<peer_record>& connections() const noexcept { return records_; }

    /// Whether every client has ended its connection.
    [[nodiscard]] bool deserted() const;

    void stop();

    [[nodiscard]] bool finished() const { return group_.size() == 0; }

private:
    struct guest;

    task<> accept();
    task<> serve(std::shared_ptr<guest> who);
    task<bool> start(std::shared_ptr<guest> who);
    task<bool> shake_hands(std::shared_ptr<guest> who);
    task<bool> perform(std::shared_ptr<guest> who, peer_step step);
    task<bool> await_message(std::shared_ptr<guest> who, char type);
    task<bool> take_bytes(std::shared_ptr<guest> who, std::size_t count);
    task<bool> receive(std::shared_ptr<guest> who);
    task<bool> send(std::shared_ptr<guest> who, std::string bytes);

    std::optional<tls_context> tls_;
    std::vector<peer_script> scripts_;
    tcp_acceptor acceptor_;
    std::uint16_t port_;
    std::list<peer_record> records_;
    std::list<std::weak_ptr<guest>> guests_;
    task_group group_;
};

/// The steps of a login without password, and of the check behind it.
[[nodiscard]] std::vector<peer_step> opened();

/// Those, and then `more`.
[[nodiscard]] peer_script opened_then(std::vector<peer_step> more);

} // namespace kallglot::test

#endif
