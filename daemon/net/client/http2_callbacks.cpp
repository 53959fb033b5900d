// What nghttp2 calls while it reads the server's bytes, and the making of its session.

#include "net/client/http2_session.hpp"

#include <nghttp2/nghttp2.h>

#include <new>

namespace kallglot {

namespace {

// nghttp2 1.52 of Debian counts calls instead of frames, so this limit must not bite; http2_session has its own.
constexpr std::size_t library_continuations = 64;
constexpr std::size_t max_unsent_acks = 100;

std::string_view view(const std::uint8_t* text, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(text), size};
}

} // namespace

// What nghttp2 calls. No exception may pass through it, and on_stream_close may return nothing but 0 (CVE-2023-35945).
struct http2_session::callbacks {
    static http2_session& self(void* user) noexcept { return *static_cast<http2_session*>(user); }

    template <class Step>
    static int guard(void* user, Step step) noexcept {
        http2_session& session = self(user);
        try {
            return step(session);
        } catch (...) {
            session.bug_ = std::current_exception();
            session.fail(errc::connection_closed, {});
            return 0;
        }
    }

    static int on_begin_frame(nghttp2_session* /*native*/,
                              const nghttp2_frame_hd* frame,
                              void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            session.begin_frame(frame->type, frame->flags, frame->length, frame->stream_id);
            return 0;
        });
    }

    static int on_begin_headers(nghttp2_session* /*native*/,
                                const nghttp2_frame* frame,
                                void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            http2_stream* const stream = session.find(frame->hd.stream_id);
            if (stream != nullptr && !session.fault_) {
                session.begin_header(*stream);
            }
            return 0;
        });
    }

    static int on_header(nghttp2_session* /*native*/,
                         const nghttp2_frame* frame,
                         const std::uint8_t* name,
                         std::size_t name_size,
                         const std::uint8_t* value,
                         std::size_t value_size,
                         std::uint8_t /*flags*/,
                         void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            http2_stream* const stream = session.find(frame->hd.stream_id);
            if (stream == nullptr || session.fault_) {
                return 0;
            }
            session.take_field(*stream, view(name, name_size), view(value, value_size));
            // nghttp2 resets the stream, and decodes the rest of the header without further calls.
            return stream->fault ? int{NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE} : 0;
        });
    }

    // Without this nghttp2 drops fields with bad names or values, and the rest of the response would count.
    static int on_invalid_header(nghttp2_session* /*native*/,
                                 const nghttp2_frame* frame,
                                 const std::uint8_t* /*name*/,
                                 std::size_t /*name_size*/,
                                 const std::uint8_t* /*value*/,
                                 std::size_t /*value_size*/,
                                 std::uint8_t /*flags*/,
                                 void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            http2_stream* const stream = session.find(frame->hd.stream_id);
            if (stream == nullptr || session.fault_) {
                return 0;
            }
            stream->fault = errc::malformed_response;
            return int{NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE};
        });
    }

    static int on_data(nghttp2_session* /*native*/,
                       std::uint8_t /*flags*/,
                       std::int32_t id,
                       const std::uint8_t* data,
                       std::size_t size,
                       void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            http2_stream* const stream = session.find(id);
            if (stream != nullptr && !stream->fault && !session.fault_) {
                session.take_body(*stream, view(data, size));
            }
            return 0;
        });
    }

    static int on_frame(nghttp2_session* /*native*/,
                        const nghttp2_frame* frame,
                        void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            if (!session.fault_) {
                take_frame(session, *frame);
            }
            return 0;
        });
    }

    static void take_frame(http2_session& session, const nghttp2_frame& frame) {
        http2_stream* const stream = session.find(frame.hd.stream_id);
        switch (frame.hd.type) {
            case NGHTTP2_SETTINGS:
                session.settled_ = session.settled_ || (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0;
                break;
            case NGHTTP2_PING:
                if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
                    session.liveness_.note_ping_answered();
                }
                break;
            case NGHTTP2_GOAWAY:
                session.note_goaway(frame.goaway.error_code, frame.goaway.last_stream_id);
                break;
            case NGHTTP2_RST_STREAM:
                if (stream != nullptr) {
                    session.note_reset(*stream, frame.rst_stream.error_code);
                }
                break;
            case NGHTTP2_HEADERS:
            case NGHTTP2_DATA:
                if (stream != nullptr) {
                    session.end_frame(*stream, (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
                }
                break;
            default:
                break;
        }
    }

    static int on_stream_close(nghttp2_session* /*native*/,
                               std::int32_t id,
                               std::uint32_t /*code*/,
                               void* user) noexcept {
        return guard(user, [&](http2_session& session) {
            if (http2_stream* const stream = session.find(id)) {
                session.close(*stream);
            }
            return 0;
        });
    }
};

// nghttp2 copies both, so one object serves all sessions.
struct http2_session::shared_parts {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_option* options = nullptr;

    shared_parts() {
        if (nghttp2_session_callbacks_new(&calls) != 0 || nghttp2_option_new(&options) != 0) {
            nghttp2_session_callbacks_del(calls);
            throw std::bad_alloc();
        }
        nghttp2_session_callbacks_set_on_begin_frame_callback(calls, callbacks::on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(calls, callbacks::on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(calls, callbacks::on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback(calls,
                                                                 callbacks::on_invalid_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, callbacks::on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(calls, callbacks::on_frame);
        nghttp2_session_callbacks_set_on_stream_close_callback(calls, callbacks::on_stream_close);
        nghttp2_option_set_max_continuations(options, library_continuations);
        nghttp2_option_set_max_outbound_ack(options, max_unsent_acks);
        nghttp2_option_set_max_reserved_remote_streams(options, 0);
    }

    shared_parts(const shared_parts&) = delete;
    shared_parts& operator=(const shared_parts&) = delete;

    ~shared_parts() {
        nghttp2_session_callbacks_del(calls);
        nghttp2_option_del(options);
    }
};

void http2_session::make_native() {
    static const shared_parts parts;
    if (nghttp2_session_client_new3(&native_, parts.calls, this, parts.options, memory_.native())
        != 0) {
        throw std::bad_alloc();
    }
}

} // namespace kallglot
