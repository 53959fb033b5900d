#include "simulator/http2_callbacks.hpp"

#include "simulator/http2_frames.hpp"

#include <algorithm>
#include <new>

namespace kallglot::simulator {

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

bool ends_stream(const nghttp2_frame& frame) {
    return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

} // namespace

int http2_session::callbacks::on_begin_frame(nghttp2_session*,
                                             const nghttp2_frame_hd* head,
                                             void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    // nghttp2 ignores requests behind a GOAWAY.
    if (head->type == NGHTTP2_HEADERS && head->stream_id > self.last_stream_) {
        ++self.host_.state().stats.http2.dropped_requests;
    }
    return 0;
}

int http2_session::callbacks::on_begin_headers(nghttp2_session*,
                                               const nghttp2_frame* frame,
                                               void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        self.streams_.try_emplace(frame->hd.stream_id);
        auto& peak = self.host_.state().stats.http2.streams_peak;
        peak = std::max<std::uint64_t>(peak, self.streams_.size());
    }
    return 0;
}

int http2_session::callbacks::on_header(nghttp2_session*,
                                        const nghttp2_frame* frame,
                                        const std::uint8_t* name_data,
                                        std::size_t name_size,
                                        const std::uint8_t* value_data,
                                        std::size_t value_size,
                                        std::uint8_t,
                                        void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    const auto found = self.streams_.find(frame->hd.stream_id);
    if (found == self.streams_.end()) {
        return 0;
    }
    stream& current = found->second;
    current.head_bytes += name_size + value_size;
    if (current.head_bytes > max_head_bytes) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    const std::string_view name = text_of(name_data, name_size);
    const std::string_view value = text_of(value_data, value_size);
    if (name == ":method") {
        current.method = value;
    } else if (name == ":path") {
        current.target = value;
    } else if (name == "authorization") {
        current.authorization = value;
    } else if (name == "x-api-key") {
        current.api_key = value;
    }
    return 0;
}

int http2_session::callbacks::on_data(nghttp2_session* session,
                                      std::uint8_t,
                                      std::int32_t id,
                                      const std::uint8_t* data,
                                      std::size_t size,
                                      void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    const auto found = self.streams_.find(id);
    if (found == self.streams_.end()) {
        return 0;
    }
    if (found->second.body.size() + size > max_body_bytes) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
        return 0;
    }
    found->second.body.append(text_of(data, size));
    return 0;
}

int http2_session::callbacks::on_frame(nghttp2_session*,
                                       const nghttp2_frame* frame,
                                       void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    http2_stats& stats = self.host_.state().stats.http2;
    switch (frame->hd.type) {
        case NGHTTP2_HEADERS:
        case NGHTTP2_DATA:
            if (ends_stream(*frame)) {
                self.complete_.push_back(frame->hd.stream_id);
            }
            break;
        case NGHTTP2_RST_STREAM:
            ++stats.cancelled_requests;
            self.flood_.bytes_left += self.host_.state().faults.http2.cancelled_bytes;
            if (self.flood_.bytes_left > 0) {
                self.flood_.unit =
                    http2::flood_unit(fault::window_overrun,
                                      static_cast<std::uint32_t>(frame->hd.stream_id));
                self.due_.emplace(moment::min(), 0);
            }
            break;
        case NGHTTP2_PING:
            stats.client_pings += (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 ? 1 : 0;
            break;
        case NGHTTP2_GOAWAY:
            ++stats.client_goaways;
            break;
        default:
            break;
    }
    return 0;
}

int http2_session::callbacks::on_invalid_frame(nghttp2_session*,
                                               const nghttp2_frame*,
                                               int,
                                               void* user) noexcept {
    ++static_cast<http2_session*>(user)->host_.state().stats.malformed_requests;
    return 0;
}

int http2_session::callbacks::on_sent(nghttp2_session*,
                                      const nghttp2_frame* frame,
                                      void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    self.host_.state().stats.http2.goaways += frame->hd.type == NGHTTP2_GOAWAY ? 1 : 0;
    return 0;
}

int http2_session::callbacks::on_close(nghttp2_session*,
                                       std::int32_t id,
                                       std::uint32_t code,
                                       void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    const auto found = self.streams_.find(id);
    if (found == self.streams_.end()) {
        return 0;
    }
    stream& current = found->second;
    if (id > self.last_stream_) {
        ++self.host_.state().stats.http2.dropped_requests;
    }
    if (current.delivered && code == NGHTTP2_NO_ERROR
        && current.answer.wire == fault::two_responses) {
        http2::append_second_answer(self.afterwards_,
                                    static_cast<std::uint32_t>(id),
                                    current.answer.body);
    }
    self.over(current);
    self.streams_.erase(found);
    return 0;
}

ssize_t http2_session::callbacks::on_read_body(nghttp2_session*,
                                               std::int32_t id,
                                               std::uint8_t* room,
                                               std::size_t size,
                                               std::uint32_t* flags,
                                               nghttp2_data_source* source,
                                               void* user) noexcept {
    auto& self = *static_cast<http2_session*>(user);
    return self.read_body(id, *static_cast<stream*>(source->ptr), {room, size}, *flags);
}

std::unique_ptr<nghttp2_session, http2_session::session_deleter> http2_session::make_session() {
    nghttp2_session_callbacks* table = nullptr;
    nghttp2_option* option = nullptr;
    nghttp2_session* made = nullptr;
    if (nghttp2_session_callbacks_new(&table) == 0 && nghttp2_option_new(&option) == 0) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(table, callbacks::on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(table, callbacks::on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(table, callbacks::on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, callbacks::on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(table, callbacks::on_frame);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table,
                                                                     callbacks::on_invalid_frame);
        nghttp2_session_callbacks_set_on_frame_send_callback(table, callbacks::on_sent);
        nghttp2_session_callbacks_set_on_stream_close_callback(table, callbacks::on_close);
        nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
        nghttp2_option_set_max_send_header_block_length(option, 4 * trailer_bytes);
        nghttp2_session_server_new2(&made, table, this, option);
    }
    nghttp2_session_callbacks_del(table);
    nghttp2_option_del(option);
    if (made == nullptr) {
        throw std::bad_alloc();
    }
    return std::unique_ptr<nghttp2_session, session_deleter>(made);
}

} // namespace kallglot::simulator
