// One client connection: bytes from the socket, through TLS, into a session of HTTP/1.1 or HTTP/2, and back.
//
// Callbacks instead of coroutines: a delayed response is an entry in the server's queue, so thousands of them need no
// timer and no frame each.

#ifndef KALLGLOT_SIMULATOR_CONNECTION_HPP
#define KALLGLOT_SIMULATOR_CONNECTION_HPP

#include "simulator/server_session.hpp"
#include "simulator/tls_channel.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kallglot::simulator {

/// A socket with a typed executor, which saves a virtual call for each handler.
using client_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// The functions of the server that a connection uses.
class connection_host : public request_host {
public:
    using moment = server_session::moment;

    virtual void handshake_over(bool good, bool resumed) = 0;

    /// Calls `due()` of the connection in `slot` at `when`, if it still exists.
    virtual void wake(std::uint32_t slot, moment when) = 0;

    /// The connection in `slot` has no handler left; the host destroys it.
    virtual void release(std::uint32_t slot) = 0;

    /// Buffers that a connection may use until it returns to the loop; empty when taken.
    struct scratch {
        std::string plain;
        std::string answers;
        std::string wire;
    };

    virtual scratch& buffers() = 0;

protected:
    ~connection_host() = default;
};

/// One client's connection. Loop only.
///
/// Lifetime:   lives until `release`; the host and the identity must outlive it
class connection {
public:
    /// `identity` null means plain HTTP.
    connection(connection_host& host,
               client_socket socket,
               const tls_identity* identity,
               std::uint32_t slot);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// Begins to read.
    void start();

    /// Called at the end of a wait that `wake` started, and after a change of the switches.
    void due();

    /// Closes at once; `release` follows from the loop.
    void close();

private:
    enum class state : std::uint8_t {
        talking,
        leaving, // the last answer was sent, and the client may close first
        closed,
    };

    void arm_read();
    void on_read(const boost::system::error_code& error, std::size_t size);
    void receive(std::string_view bytes);
    void note_handshake();
    void open_session(std::string_view agreed);
    void serve(std::string_view plain);
    void resume_session();
    void follow(std::string_view answers);
    void send(std::string_view plain);
    void transmit(std::string& wire);
    void on_writable(const boost::system::error_code& error);
    void leave();
    void release_if_done();

    connection_host& host_;
    client_socket socket_;
    std::optional<tls_channel> tls_;
    std::unique_ptr<server_session> session_; // from the end of the handshake on
    std::uint32_t slot_;
    std::uint32_t handlers_{0};
    state state_{state::talking};
    bool from_this_machine_{false};
    bool handshake_noted_{false};
    bool releasing_{false};
    bool postponed_{false};                           // `resume` waits for the socket
    std::optional<server_session::moment> armed_for_; // the earliest wait; the end of leaving
    std::string unsent_; // encrypted bytes that the socket did not take
    std::array<char, 4096> input_{};
};

} // namespace kallglot::simulator

#endif
