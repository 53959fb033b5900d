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

} // namespace kallglot

#endif
