// The server's side of an HTTP/2 connection in memory, by nghttp2: what an ordinary server does.

#ifndef KALLGLOT_TEST_NET_HTTP2_PEER_HPP
#define KALLGLOT_TEST_NET_HTTP2_PEER_HPP

#include "support/http2_frames.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {

class http2_peer {
public:
    struct request {
        std::int32_t stream = 0;
        std::map<std::string, std::string> fields;
        bool complete = false;
    };

    explicit http2_peer(std::uint32_t max_streams = 128) {
        nghttp2_session_callbacks* calls = nullptr;
        nghttp2_session_callbacks_new(&calls);
        nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
        nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
        nghttp2_session_server_new(&native_, calls, this);
        nghttp2_session_callbacks_del(calls);
        set_max_streams(max_streams);
    }

    ~http2_peer() { nghttp2_session_del(native_); }

    http2_peer(const http2_peer&) = delete;
    http2_peer& operator=(const http2_peer&) = delete;

    /// Takes the client's bytes. Throws if they break the protocol.
    void receive(std::string_view bytes) {
        const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
        if (nghttp2_session_mem_recv(native_, data, bytes.size()) < 0) {
            throw std::runtime_error("the client broke HTTP/2");
        }
    }

    /// What is to be sent to the client.
    [[nodiscard]] std::string take() {
        std::string all;
        const std::uint8_t* data = nullptr;
        for (auto size = nghttp2_session_mem_send(native_, &data); size > 0;
             size = nghttp2_session_mem_send(native_, &data)) {
            all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
        }
        return all;
    }

    /// A response; `piece` bounds its DATA frames.
    void answer(std::int32_t stream,
                const h2_fields& fields,
                const std::string& body,
                std::size_t piece = 16'000) {
        bodies_[stream] = {body, 0, piece};
        nghttp2_data_provider source{};
        source.source.ptr = this;
        source.read_callback = read_body;
        const auto values = native_fields(fields);
        nghttp2_submit_response(native_, stream, values.data(), values.size(), &source);
    }

    void interim(std::int32_t stream, const h2_fields& fields) {
        const auto values = native_fields(fields);
        nghttp2_submit_headers(native_,
                               NGHTTP2_FLAG_NONE,
                               stream,
                               nullptr,
                               values.data(),
                               values.size(),
                               nullptr);
    }

    void reset(std::int32_t stream, std::uint32_t code) {
        nghttp2_submit_rst_stream(native_, NGHTTP2_FLAG_NONE, stream, code);
    }

    /// Takes no stream above `last`.
    void go_away(std::int32_t last, std::uint32_t code) {
        nghttp2_submit_goaway(native_, NGHTTP2_FLAG_NONE, last, code, nullptr, 0);
    }

    void set_max_streams(std::uint32_t count) {
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, count};
        nghttp2_submit_settings(native_, NGHTTP2_FLAG_NONE, &entry, 1);
    }

    void ping() { nghttp2_submit_ping(native_, NGHTTP2_FLAG_NONE, nullptr); }

    /// Complete requests without an answer, in the order of arrival.
    std::vector<request> open;
    std::size_t requests = 0; ///< in all
    std::size_t resets = 0;   ///< by the client

private:
    struct pending_body {
        std::string text;
        std::size_t sent = 0;
        std::size_t piece = 0;
    };

    static http2_peer& self(void* user) { return *static_cast<http2_peer*>(user); }

    static std::vector<nghttp2_nv> native_fields(const h2_fields& fields) {
        std::vector<nghttp2_nv> values;
        for (const auto& [name, value] : fields) {
            const auto bytes = [](const std::string& text) {
                return const_cast<std::uint8_t*>(
                    reinterpret_cast<const std::uint8_t*>(text.data()));
            };
            values.push_back(
                {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
        }
        return values;
    }

    static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        self(user).arriving_[frame->hd.stream_id].stream = frame->hd.stream_id;
        return 0;
    }

    static int on_header(nghttp2_session*,
                         const nghttp2_frame* frame,
                         const std::uint8_t* name,
                         std::size_t name_size,
                         const std::uint8_t* value,
                         std::size_t value_size,
                         std::uint8_t,
                         void* user) {
        const auto text = [](const std::uint8_t* bytes, std::size_t size) {
            return std::string(reinterpret_cast<const char*>(bytes), size);
        };
        self(user).arriving_[frame->hd.stream_id].fields[text(name, name_size)] =
            text(value, value_size);
        return 0;
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        http2_peer& peer = self(user);
        if (frame->hd.type == NGHTTP2_RST_STREAM) {
            ++peer.resets;
        }
        const auto found = peer.arriving_.find(frame->hd.stream_id);
        if (frame->hd.type == NGHTTP2_HEADERS && found != peer.arriving_.end()
            && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            ++peer.requests;
            peer.open.push_back(found->second);
            peer.arriving_.erase(found);
        }
        return 0;
    }

    static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t, void* user) {
        http2_peer& peer = self(user);
        std::erase_if(peer.open, [&](const request& each) { return each.stream == stream; });
        peer.bodies_.erase(stream);
        return 0;
    }

    static ssize_t read_body(nghttp2_session*,
                             std::int32_t stream,
                             std::uint8_t* to,
                             std::size_t room,
                             std::uint32_t* flags,
                             nghttp2_data_source* source,
                             void*) {
        pending_body& from = static_cast<http2_peer*>(source->ptr)->bodies_[stream];
        const std::size_t size = std::min({room, from.piece, from.text.size() - from.sent});
        std::memcpy(to, from.text.data() + from.sent, size);
        from.sent += size;
        if (from.sent == from.text.size()) {
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        }
        return static_cast<ssize_t>(size);
    }

    nghttp2_session* native_ = nullptr;
    std::map<std::int32_t, request> arriving_;
    std::map<std::int32_t, pending_body> bodies_;
};

} // namespace kallglot::test

#endif
