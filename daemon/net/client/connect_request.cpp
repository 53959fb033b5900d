#include "net/client/connect_request.hpp"

#include <openssl/evp.h>

#include <cstring>
#include <string>
#include <vector>

namespace kallglot {

namespace {

// A text that is wiped. It has its final capacity from the start: growing would leave a copy in freed memory.
class wiped_text {
public:
    explicit wiped_text(std::size_t capacity) { text_.reserve(capacity); }

    ~wiped_text() { ::explicit_bzero(text_.data(), text_.size()); }

    wiped_text(const wiped_text&) = delete;
    wiped_text& operator=(const wiped_text&) = delete;

    std::string& operator*() noexcept { return text_; }

private:
    std::string text_;
};

// Appends `user:password` in base64.
void append_login(std::string& text, const std::string& user, const secret& password) {
    wiped_text login(user.size() + 1 + password.reveal().size());
    (*login).append(user).append(":").append(password.reveal());
    // OpenSSL appends a zero byte, which goes again.
    const std::size_t begin = text.size();
    const std::size_t length = ((*login).size() + 2) / 3 * 4;
    text.resize(begin + length + 1);
    ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + begin),
                      reinterpret_cast<const unsigned char*>((*login).data()),
                      static_cast<int>((*login).size()));
    text.resize(begin + length);
}

} // namespace

secret connect_request(const api_settings& settings, const secret& password) {
    if (!settings.proxy_url) {
        return {};
    }
    // IPv6 addresses need brackets in host:port.
    // The host of the API, not of the proxy: it is the target of the tunnel.
    const std::string& host = settings.base_url.host;
    const bool is_v6 = host.find(':') != std::string::npos;
    const std::string target =
        (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(settings.base_url.port);
    // Target twice, and the login in base64.
    const std::size_t login_bytes = settings.proxy_user.size() + password.reveal().size();
    wiped_text text(128 + 2 * target.size() + 2 * login_bytes);
    (*text).append("CONNECT ").append(target).append(" HTTP/1.1\r\nHost: ").append(target);
    if (!settings.proxy_user.empty()) {
        (*text).append("\r\nProxy-Authorization: Basic ");
        append_login(*text, settings.proxy_user, password);
    }
    (*text).append("\r\n\r\n");
    // The only copy that is left; `text` is wiped at the end of this scope.
    return secret(*text);
}

} // namespace kallglot
