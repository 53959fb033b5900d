// One client connection: bytes from the socket, through TLS, into requests, and responses back.
//
// Callbacks instead of coroutines: a delayed response is a string and an entry in the server's queue, so thousands of
// them need no timer and no frame each.

#ifndef KALLGLOT_SIMULATOR_CONNECTION_HPP
#define KALLGLOT_SIMULATOR_CONNECTION_HPP

#include "simulator/api_routes.hpp"
#include "simulator/http_request.hpp"
#include "simulator/tls_channel.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace kallglot::simulator {

/// A socket with a typed executor, which saves a virtual call for each handler.
using client_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// The functions of the server that a connection uses.
class connection_host {
public:
    /// Appends the answer to `request` to `out`.
    struct verdict {
        after_answer after{after_answer::keep_open};
        std::chrono::milliseconds delay{0};
        bool counted{false}; // in flight until `request_over`
    };

    virtual verdict answer(const http_request& request,
                           bool from_this_machine,
                           std::uint64_t position,
                           std::string& out) = 0;
    virtual void malformed_request() = 0;
    virtual void handshake_over(bool good, bool resumed) = 0;
    virtual void request_over() = 0;

    /// Calls `due()` of the connection in `slot` after `delay`, if it still exists.
    virtual void wake(std::uint32_t slot, std::chrono::milliseconds delay) = 0;

    /// The connection in `slot` has no handler left; the host destroys it.
    virtual void release(std::uint32_t slot) = 0;

    /// Buffers that a connection may use until it returns to the loop; empty when taken.
    struct scratch {
        std::string plain;
        std::string answer;
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

    /// Called at the end of a wait that `wake` started.
    void due();

    /// Closes at once; `release` follows from the loop.
    void close();

private:
    enum class state : std::uint8_t {
        reading,  // no answer is due
        delaying, // an answer is ready and waits for its delay
        dripping, // the answer is sent byte by byte
        flooding, // chunks are sent without end
        silent,   // nothing is sent any more
        leaving,  // the last answer was sent, and the client may close first
        closed,
    };

    void arm_read();
    void on_read(const boost::system::error_code& error, std::size_t size);
    void receive(std::string_view bytes);
    void note_handshake();
    void serve(std::string_view data);
    [[nodiscard]] std::size_t serve_one(std::string_view data);
    void deliver(std::string_view answer, after_answer after);
    void send_next_byte();
    void send_flood();
    void send(std::string_view plain);
    void transmit(std::string& wire);
    void on_writable(const boost::system::error_code& error);
    void leave();
    void release_if_done();

    connection_host& host_;
    client_socket socket_;
    std::optional<tls_channel> tls_;
    std::uint32_t slot_;
    std::uint32_t handlers_{0};
    std::uint64_t answers_{0};
    state state_{state::reading};
    bool from_this_machine_{false};
    bool handshake_noted_{false};
    bool counted_{false};
    bool releasing_{false};
    after_answer pending_after_{after_answer::keep_open};
    std::string pending_answer_;
    std::size_t flooded_{0};
    std::string unread_; // decrypted bytes of a request that is not complete, or has to wait
    std::string unsent_; // encrypted bytes that the socket did not take
    std::array<char, 4096> input_{};
};

} // namespace kallglot::simulator

#endif
