// A plain blocking HTTPS client for the simulator's tests, on Beast and Asio's own TLS.

#ifndef KALLGLOT_TESTS_SIMULATOR_BLOCKING_CLIENT_HPP
#define KALLGLOT_TESTS_SIMULATOR_BLOCKING_CLIENT_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <string>

namespace kallglot::simulator {

/// One connection; every call blocks.
class blocking_client {
public:
    using response = boost::beast::http::response<boost::beast::http::string_body>;

    blocking_client(std::uint16_t port, const std::string& authority_pem);

    /// Connects and shakes hands, with verification for 127.0.0.1.
    [[nodiscard]] boost::system::error_code connect();

    [[nodiscard]] boost::system::error_code send(const std::string& method,
                                                 const std::string& path,
                                                 const std::string& key,
                                                 const std::string& body = {});
    [[nodiscard]] boost::system::error_code receive(response& into);

    /// Sends and receives; an error shows as status 0 with the error's text as the body.
    [[nodiscard]] response get(const std::string& path, const std::string& key);
    [[nodiscard]] response post(const std::string& path, const std::string& body);

    /// Bytes that came after the last response.
    [[nodiscard]] std::size_t left_over() const { return buffer_.size(); }

private:
    [[nodiscard]] response exchange(const std::string& method,
                                    const std::string& path,
                                    const std::string& key,
                                    const std::string& body);

    boost::asio::io_context context_;
    boost::asio::ssl::context trust_{boost::asio::ssl::context::tls_client};
    boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
    boost::beast::flat_buffer buffer_;
    std::uint16_t port_;
};

} // namespace kallglot::simulator

#endif
