// Frames of HTTP/2 by hand, for servers that do what no library would send.

#ifndef KALLGLOT_TEST_NET_HTTP2_FRAMES_HPP
#define KALLGLOT_TEST_NET_HTTP2_FRAMES_HPP

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::test {

using h2_fields = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] inline std::string big_endian(std::uint64_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) {
        text += static_cast<char>((value >> (8 * bytes)) & 0xff);
    }
    return text;
}

[[nodiscard]] inline std::string h2_frame(int type,
                                          int flags,
                                          int id,
                                          const std::string& payload = {}) {
    return big_endian(static_cast<std::uint32_t>(payload.size()), 3) + static_cast<char>(type)
           + static_cast<char>(flags) + big_endian(static_cast<std::uint32_t>(id), 4) + payload;
}

/// A number of HPACK (RFC 7541 section 5.1) behind a prefix of seven bits.
[[nodiscard]] inline std::string hpack_size(std::size_t value) {
    if (value < 127) {
        return {static_cast<char>(value)};
    }
    std::string text(1, '\x7f');
    for (value -= 127; value >= 128; value /= 128) {
        text += static_cast<char>(value % 128 + 128);
    }
    return text + static_cast<char>(value);
}

/// Literal fields without indexing: the tables of both sides do not change.
[[nodiscard]] inline std::string hpack(const h2_fields& fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        text += '\0';
        text += hpack_size(name.size()) + name + hpack_size(value.size()) + value;
    }
    return text;
}

[[nodiscard]] inline std::string h2_settings(
    const std::vector<std::pair<int, std::uint32_t>>& values = {}) {
    std::string payload;
    for (const auto& [id, value] : values) {
        payload += big_endian(static_cast<std::uint32_t>(id), 2) + big_endian(value, 4);
    }
    return h2_frame(NGHTTP2_SETTINGS, 0, 0, payload);
}

[[nodiscard]] inline std::string h2_headers(int id, const h2_fields& fields, bool end = false) {
    const int flags = NGHTTP2_FLAG_END_HEADERS | (end ? NGHTTP2_FLAG_END_STREAM : 0);
    return h2_frame(NGHTTP2_HEADERS, flags, id, hpack(fields));
}

[[nodiscard]] inline std::string h2_data(int id, const std::string& bytes, bool end = true) {
    return h2_frame(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, id, bytes);
}

[[nodiscard]] inline std::string h2_reset(int id, std::uint32_t code) {
    return h2_frame(NGHTTP2_RST_STREAM, 0, id, big_endian(code, 4));
}

[[nodiscard]] inline std::string h2_goaway(int last_id, std::uint32_t code) {
    return h2_frame(NGHTTP2_GOAWAY,
                    0,
                    0,
                    big_endian(static_cast<std::uint32_t>(last_id), 4) + big_endian(code, 4));
}

[[nodiscard]] inline std::string h2_ping() {
    return h2_frame(NGHTTP2_PING, 0, 0, "12345678");
}

/// A 200 with this body and its content-length.
[[nodiscard]] inline std::string h2_ok(int id, const std::string& body) {
    return h2_headers(id,
                      {{":status", "200"},
                       {"content-type", "application/json"},
                       {"date", "Tue, 14 Apr 2026 10:00:30 GMT"},
                       {"content-length", std::to_string(body.size())}})
           + h2_data(id, body);
}

} // namespace kallglot::test

#endif
