#include "blocking_client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

namespace kallglot::simulator {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

asio::ssl::context& trusting(asio::ssl::context& context, const std::string& authority_pem) {
    context.set_verify_mode(asio::ssl::verify_peer);
    context.add_certificate_authority(asio::buffer(authority_pem));
    context.set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"));
    return context;
}

} // namespace

blocking_client::blocking_client(std::uint16_t port, const std::string& authority_pem)
    : stream_(context_, trusting(trust_, authority_pem)),
      port_(port) {}

boost::system::error_code blocking_client::connect() {
    boost::system::error_code error;
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), port_}, error);
    if (!error) {
        stream_.handshake(asio::ssl::stream_base::client, error);
    }
    return error;
}

boost::system::error_code blocking_client::send(const std::string& method,
                                                const std::string& path,
                                                const std::string& key,
                                                const std::string& body) {
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    request += key.empty() ? "" : "Authorization: Bearer " + key + "\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    boost::system::error_code error;
    asio::write(stream_, asio::buffer(request), error);
    return error;
}

boost::system::error_code blocking_client::receive(response& into) {
    boost::system::error_code error;
    into = response{};
    http::read(stream_, buffer_, into, error);
    return error;
}

blocking_client::response blocking_client::exchange(const std::string& method,
                                                    const std::string& path,
                                                    const std::string& key,
                                                    const std::string& body) {
    response answer;
    auto error = send(method, path, key, body);
    if (!error) {
        error = receive(answer);
    }
    if (error) {
        answer = response{};
        answer.result(0);
        answer.body() = error.message();
    }
    return answer;
}

blocking_client::response blocking_client::get(const std::string& path, const std::string& key) {
    return exchange("GET", path, key, {});
}

blocking_client::response blocking_client::post(const std::string& path, const std::string& body) {
    return exchange("POST", path, {}, body);
}

} // namespace kallglot::simulator
