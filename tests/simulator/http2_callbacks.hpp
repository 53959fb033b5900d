// The callbacks of nghttp2, private to the two bodies of http2_session.

#ifndef KALLGLOT_SIMULATOR_HTTP2_CALLBACKS_HPP
#define KALLGLOT_SIMULATOR_HTTP2_CALLBACKS_HPP

#include "simulator/http2_session.hpp"

namespace kallglot::simulator {

/// What nghttp2 calls from within `mem_recv` and `mem_send`. They take notes; `http2_session` acts on them afterwards.
struct http2_session::callbacks {
    static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept;
    static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
    static int on_header(nghttp2_session*,
                         const nghttp2_frame* frame,
                         const std::uint8_t* name,
                         std::size_t name_size,
                         const std::uint8_t* value,
                         std::size_t value_size,
                         std::uint8_t flags,
                         void* user) noexcept;
    static int on_data(nghttp2_session*,
                       std::uint8_t flags,
                       std::int32_t id,
                       const std::uint8_t* data,
                       std::size_t size,
                       void* user) noexcept;
    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
    static int on_invalid_frame(nghttp2_session*,
                                const nghttp2_frame* frame,
                                int code,
                                void* user) noexcept;
    static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) noexcept;
    static ssize_t on_read_body(nghttp2_session*,
                                std::int32_t id,
                                std::uint8_t* room,
                                std::size_t size,
                                std::uint32_t* flags,
                                nghttp2_data_source* source,
                                void* user) noexcept;
};

} // namespace kallglot::simulator

#endif
