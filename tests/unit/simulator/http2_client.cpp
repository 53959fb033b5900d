#include "http2_client.hpp"

#include <array>

namespace kallglot::simulator {

struct http2_client::callbacks {
    static std::string text_of(const std::uint8_t* data, std::size_t size) {
        return {reinterpret_cast<const char*>(data), size};
    }

    static int on_begin(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
        ++static_cast<http2_client*>(user)->frames_[head->type];
        return 0;
    }

    static int on_header(nghttp2_session*,
                         const nghttp2_frame* frame,
                         const std::uint8_t* name_data,
                         std::size_t name_size,
                         const std::uint8_t* value_data,
                         std::size_t value_size,
                         std::uint8_t,
                         void* user) {
        answer& into = static_cast<http2_client*>(user)->answers_[frame->hd.stream_id];
        const std::string name = text_of(name_data, name_size);
        const std::string value = text_of(value_data, value_size);
        if (name == ":status" && value.starts_with('1')) {
            ++into.interim_count;
        } else if (name == ":status") {
            into.status = std::stoi(value);
        } else if (frame->headers.cat == NGHTTP2_HCAT_HEADERS && into.status != 0) {
            // After the answer's own fields: a trailer, or, behind an answer of 1xx, one of its fields.
            (into.body.empty() ? into.fields : into.trailers)[name] = value;
        } else {
            into.fields[name] = value;
        }
        return 0;
    }

    static int on_data(nghttp2_session*,
                       std::uint8_t,
                       std::int32_t id,
                       const std::uint8_t* data,
                       std::size_t size,
                       void* user) {
        static_cast<http2_client*>(user)->answers_[id].body += text_of(data, size);
        return 0;
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto& self = *static_cast<http2_client*>(user);
        const bool ends =
            frame->hd.type <= NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (ends) {
            self.answers_[frame->hd.stream_id].ended = true;
        }
        if (frame->hd.type == NGHTTP2_GOAWAY) {
            self.goaway_.emplace(frame->goaway.last_stream_id, frame->goaway.error_code);
        }
        return 0;
    }

    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
        static_cast<http2_client*>(user)->answers_[id].closed_with = code;
        return 0;
    }
};

http2_client::http2_client() {
    nghttp2_session_callbacks* table = nullptr;
    nghttp2_session_callbacks_new(&table);
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, callbacks::on_begin);
    nghttp2_session_callbacks_set_on_header_callback(table, callbacks::on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, callbacks::on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, callbacks::on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, callbacks::on_close);
    nghttp2_session* made = nullptr;
    nghttp2_session_client_new(&made, table, this);
    session_.reset(made);
    nghttp2_session_callbacks_del(table);
    const nghttp2_settings_entry no_push{NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, &no_push, 1);
    // As large as a client's window has to be that cancels requests.
    nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, 1 << 24);
}

std::int32_t http2_client::send(const std::string& method,
                                const std::string& path,
                                const std::string& key) {
    const std::string authorization = "Bearer " + key;
    const auto field = [](std::string_view name, std::string_view value) {
        const auto bytes = [](std::string_view text) {
            return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
        };
        return nghttp2_nv{bytes(name),
                          bytes(value),
                          name.size(),
                          value.size(),
                          NGHTTP2_NV_FLAG_NONE};
    };
    const std::array fields{field(":method", method),
                            field(":scheme", "https"),
                            field(":authority", "localhost"),
                            field(":path", path),
                            field("authorization", authorization)};
    return nghttp2_submit_request(session_.get(),
                                  nullptr,
                                  fields.data(),
                                  fields.size(),
                                  nullptr,
                                  nullptr);
}

void http2_client::cancel(std::int32_t id) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

int http2_client::feed(std::string_view bytes) {
    fed_bytes_ += bytes.size();
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const auto taken = nghttp2_session_mem_recv(session_.get(), data, bytes.size());
    return taken < 0 ? static_cast<int>(taken) : 0;
}

std::string http2_client::take() {
    std::string out;
    for (;;) {
        const std::uint8_t* frame = nullptr;
        const auto size = nghttp2_session_mem_send(session_.get(), &frame);
        if (size <= 0) {
            return out;
        }
        out += callbacks::text_of(frame, static_cast<std::size_t>(size));
    }
}

bool http2_client::over() const {
    return nghttp2_session_want_read(session_.get()) == 0;
}

std::uint32_t http2_client::max_streams() const {
    return nghttp2_session_get_remote_settings(session_.get(),
                                               NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

} // namespace kallglot::simulator
