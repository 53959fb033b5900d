/// The socket types of the daemon, with the loop's typed executor, and the translation of system errors.

#ifndef KALLGLOT_NET_SOCKETS_HPP
#define KALLGLOT_NET_SOCKETS_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string_view>

namespace kallglot {

using tcp_endpoint = asio::ip::tcp::endpoint;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, loop_executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, loop_executor>;

/// Translates the system's error of a connect: connect_refused, network_unreachable, connect_timeout, no_descriptors,
/// or connect_failed.
[[nodiscard]] errc translate_connect_error(const error_code& system) noexcept;

/// The system's text for its own error, static; empty for errors of other categories.
[[nodiscard]] std::string_view describe_system_error(const error_code& system) noexcept;

/// A connected socket, the same one, that wakes the loop only when there is something to read.
///
/// Asio 1.26 waits for a connect until the socket is writable, and does not forget that: since a connected socket is
/// writable nearly always, each later wait for a response costs a turn of the loop for nothing. Here Asio gets to know the
/// socket again. Precondition: no operation is in progress. Errors: the socket is closed, and its first use fails.
[[nodiscard]] tcp_socket armed_for_reading(tcp_socket& connected, const tcp_endpoint& peer);

} // namespace kallglot

#endif
