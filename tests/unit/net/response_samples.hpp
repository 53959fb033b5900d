// Responses of all kinds, good and doubtful, and what must become of them.

#ifndef KALLGLOT_TEST_NET_RESPONSE_SAMPLES_HPP
#define KALLGLOT_TEST_NET_RESPONSE_SAMPLES_HPP

#include "kallglot/base/error.hpp"
#include "net/client/response_reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {

inline constexpr std::string_view asked_id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";

[[nodiscard]] inline std::string session_body(std::string_view id = asked_id) {
    return R"({"id":")" + std::string(id)
           + R"(","object":"session","status":"connecting","mode":"bidirectional_translation",)"
             R"("provider":{"type":"twilio","call_id":"CA0123456789abcdef0123456789abcdef"},)"
             R"("stream":{"token":"tok_live_0123456789abcdefghijklmnopqrstuvwxyz"},)"
             R"("created_at":"2026-04-14T10:00:00Z"})";
}

/// A 200 with a Content-Length; `headers` are whole lines.
[[nodiscard]] inline std::string ok(const std::string& headers = {},
                                    const std::string& body = session_body()) {
    return "HTTP/1.1 200 OK\r\nDate: Tue, 14 Apr 2026 10:00:30 GMT\r\n" + headers
           + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

[[nodiscard]] inline std::string chunk(const std::string& text) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", text.size());
    return size + text + "\r\n";
}

/// A 200 in chunks of a few bytes; `end` follows the last chunk's size line.
[[nodiscard]] inline std::string chunked(const std::string& end = "\r\n",
                                         const std::string& coding = "chunked",
                                         const std::string& version = "1.1") {
    const std::string body = session_body();
    return "HTTP/" + version + " 200 OK\r\nTransfer-Encoding: " + coding + "\r\n\r\n"
           + chunk(body.substr(0, 10)) + chunk(body.substr(10, 90)) + chunk(body.substr(100))
           + "0\r\n" + end;
}

struct sample {
    std::string name;
    std::string bytes;
    int status = 0;            ///< of a response that is believed
    std::optional<errc> error; ///< else
    bool reusable = true;
    bool may_wait = false; ///< in pieces it is only never complete
};

[[nodiscard]] inline session_id asked() {
    return *session_id::parse(asked_id);
}

} // namespace kallglot::test

#endif
