#include "simulator/http2_session.hpp"

#include "simulator/http2_callbacks.hpp"
#include "simulator/http2_frames.hpp"
#include "simulator/session_life.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kallglot::simulator {

namespace {

constexpr int trailer_count = 16;

nghttp2_nv field_of(std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view text) {
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    // nghttp2 copies both, and makes the name lower case.
    return nghttp2_nv{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// The fields of an answer as they are in HTTP/1.1, one a line.
void append_lines(std::vector<nghttp2_nv>& fields, std::string_view lines) {
    while (!lines.empty()) {
        const auto colon = lines.find(": ");
        const auto end = lines.find("\r\n");
        fields.push_back(
            field_of(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2)));
        lines.remove_prefix(end + 2);
    }
}

std::uint32_t unsigned_id(std::int32_t id) {
    return static_cast<std::uint32_t>(id);
}

bool is_paced(fault kind) {
    return kind == fault::drip || kind == fault::endless || kind == fault::huge;
}

} // namespace

http2_session::http2_session(request_host& host, bool from_this_machine)
    : host_(host),
      origin_{from_this_machine, true, 0},
      session_(make_session()) {
    ++host_.state().stats.http2.connections;
    // SETTINGS have to be the first frame, whatever comes first from the client.
    announce_max_streams();
}

http2_session::~http2_session() {
    for (auto& [id, current] : streams_) {
        over(current);
    }
    streams_.clear();
}

void http2_session::over(stream& current) {
    if (std::exchange(current.counted, false)) {
        host_.state().stats.request_over();
    }
}

std::optional<http2_session::moment> http2_session::next_due() const {
    return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

void http2_session::receive(std::string_view plain, moment now, std::string& out) {
    if (flood_.exclusive) {
        return;
    }
    const auto* data = reinterpret_cast<const std::uint8_t*>(plain.data());
    if (nghttp2_session_mem_recv(session_.get(), data, plain.size()) < 0) {
        // Not HTTP/2 at all; what nghttp2 wants to say is sent.
        ++host_.state().stats.malformed_requests;
        end_ = session_end::leave;
    }
    for (const std::int32_t id : std::exchange(complete_, {})) {
        const auto found = streams_.find(id);
        if (found != streams_.end() && id <= last_stream_) {
            serve(id, found->second, now);
        }
    }
    flush(out);
}

void http2_session::serve(std::int32_t id, stream& current, moment now) {
    http_request request;
    request.method = current.method;
    set_target(request, current.target);
    const std::string_view bearer = bearer_of(current.authorization);
    request.key = bearer.empty() ? std::string_view(current.api_key) : bearer;
    request.body = current.body;
    ++origin_.position;
    const auto verdict = host_.answer(request, origin_, current.answer);
    current.counted = verdict.counted;
    if (current.answer.wire == fault::goaway) {
        go_away(std::max(id - 2, 0), host_.state().faults.http2.goaway_code);
        return;
    }
    if (current.answer.close) {
        go_away(id, NGHTTP2_NO_ERROR);
    }
    if (verdict.delay.count() > 0) {
        due_.emplace(now + verdict.delay, id);
    } else {
        deliver(id, current, now);
    }
}

void http2_session::go_away(std::int32_t last_stream, std::uint32_t code) {
    last_stream_ = std::min(last_stream_, last_stream);
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last_stream_, code, nullptr, 0);
}

void http2_session::deliver(std::int32_t id, stream& current, moment now) {
    const fault kind = current.answer.wire;
    if (kind == fault::hang) {
        return;
    }
    if (kind == fault::stall) {
        flood_ = flood{{}, 0, true};
        return;
    }
    over(current);
    current.delivered = true;
    if (deliver_broken(id, current, now)) {
        return;
    }
    if (kind == fault::push_promise) {
        drain();
        http2::append_push_promise(output_, unsigned_id(id), unsigned_id(id) + 1);
    }
    const int hints = kind == fault::interim         ? 1
                      : kind == fault::interim_flood ? interim_flood_count
                                                     : 0;
    const std::array hint{field_of(":status", "103"),
                          field_of("link", "</style.css>; rel=preload")};
    for (int count = 0; count < hints; ++count) {
        nghttp2_submit_headers(session_.get(),
                               NGHTTP2_FLAG_NONE,
                               id,
                               nullptr,
                               hint.data(),
                               hint.size(),
                               nullptr);
    }
    submit_answer(id, current);
    if (is_paced(kind)) {
        due_.emplace(now, id);
    }
}

// Faults without an answer; false if the stream has another one.
bool http2_session::deliver_broken(std::int32_t id, stream& current, moment now) {
    const fault kind = current.answer.wire;
    const auto reset = [this, id](std::uint32_t code) {
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, code);
        return true;
    };
    switch (kind) {
        case fault::refused_stream:
            return reset(NGHTTP2_REFUSED_STREAM);
        case fault::http_1_1_required:
            return reset(NGHTTP2_HTTP_1_1_REQUIRED);
        case fault::reset_stream:
            return reset(host_.state().faults.http2.reset_code);
        case fault::close:
            end_ = session_end::cut;
            return true;
        case fault::garbage:
            drain();
            for (std::uint64_t i = 0; i < 100; ++i) {
                append_number(output_, scatter(current.answer.number + i));
            }
            end_ = session_end::cut;
            return true;
        case fault::window_overflow:
        case fault::idle_stream:
        case fault::goaway_rising:
        case fault::hpack_bomb:
            drain();
            http2::append_violation(output_, kind, unsigned_id(id));
            return true;
        default:
            break;
    }
    if (is_flood(kind)) {
        begin_flood(kind, id, now);
        return true;
    }
    return false;
}

void http2_session::submit_answer(std::int32_t id, stream& current) {
    const http_answer& answer = current.answer;
    const std::string status = std::to_string(answer.status);
    const std::string length = std::to_string(stated_length(answer));
    std::vector<nghttp2_nv> fields;
    fields.reserve(16);
    fields.push_back(field_of(":status", status));
    fields.push_back(field_of("content-type", answer.type));
    if (answer.wire != fault::chunked && answer.wire != fault::endless) {
        fields.push_back(field_of("content-length", length));
    }
    if (answer.wire == fault::forbidden_field) {
        fields.push_back(field_of("connection", "close"));
    }
    append_lines(fields, answer.fields);
    nghttp2_data_provider body{};
    body.source.ptr = &current;
    body.read_callback = callbacks::on_read_body;
    const bool has_body = !answer.body.empty() || is_paced(answer.wire);
    nghttp2_submit_response(session_.get(),
                            id,
                            fields.data(),
                            fields.size(),
                            has_body ? &body : nullptr);
}

void http2_session::submit_trailers(std::int32_t id, fault kind) {
    const std::string value(
        kind == fault::trailers ? trailer_bytes / trailer_count : std::size_t{16},
        't');
    const std::vector<nghttp2_nv> fields(kind == fault::trailers ? trailer_count : 1,
                                         field_of("x-trailer", value));
    nghttp2_submit_trailer(session_.get(), id, fields.data(), fields.size());
}

ssize_t http2_session::read_body(std::int32_t id,
                                 stream& current,
                                 std::span<std::uint8_t> room,
                                 std::uint32_t& flags) {
    const std::string& body = current.answer.body;
    const fault kind = current.answer.wire;
    const bool endless = kind == fault::endless || kind == fault::huge;
    const bool is_cut = kind == fault::truncate || kind == fault::reset_body;
    const std::size_t limit = endless  ? static_cast<std::size_t>(max_flooded_bytes)
                              : is_cut ? cut_length(current.answer)
                                       : body.size();
    std::size_t size = std::min(room.size(), limit - current.sent);
    if (is_paced(kind)) {
        size = std::min(size, current.allowance);
        current.allowance -= size;
    } else if (kind == fault::chunked) {
        size = std::min<std::size_t>(size, current.sent == 0 ? 7 : 331);
    }
    if (size == 0) {
        if (current.sent == limit) {
            cut_.push_back(id);
        }
        return NGHTTP2_ERR_DEFERRED;
    }
    if (endless) {
        std::fill_n(room.begin(), size, std::uint8_t{' '});
    } else {
        std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(current.sent), size, room.begin());
    }
    current.sent += size;
    if (!endless && current.sent == body.size()) {
        flags |= NGHTTP2_DATA_FLAG_EOF;
        if (kind == fault::trailers || kind == fault::trailer_field) {
            flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(id, kind);
        }
    }
    return static_cast<ssize_t>(size);
}

// The part before the cut has been sent.
void http2_session::end_body(std::int32_t id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
        return;
    }
    if (found->second.answer.wire == fault::reset_body) {
        nghttp2_submit_rst_stream(session_.get(),
                                  NGHTTP2_FLAG_NONE,
                                  id,
                                  host_.state().faults.http2.reset_code);
    } else {
        end_ = session_end::cut;
    }
}

void http2_session::begin_flood(fault kind, std::int32_t id, moment now) {
    drain();
    output_ += http2::flood_beginning(kind, unsigned_id(id));
    flood_ = flood{http2::flood_unit(kind, unsigned_id(id)), max_flooded_bytes, true};
    due_.emplace(now, 0);
}

void http2_session::send_flood(moment now) {
    for (std::size_t sent = 0; sent < flood_at_once && flood_.bytes_left > 0;) {
        output_ += flood_.unit;
        sent += flood_.unit.size();
        flood_.bytes_left -= std::min<std::uint64_t>(flood_.bytes_left, flood_.unit.size());
    }
    if (flood_.bytes_left > 0) {
        due_.emplace(now + flood_pause, 0);
    } else if (flood_.exclusive) {
        end_ = session_end::cut;
    }
}

void http2_session::continue_due(std::int32_t id, moment now) {
    if (id == 0) {
        send_flood(now);
        return;
    }
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
        return;
    }
    stream& current = found->second;
    if (!current.delivered) {
        deliver(id, current, now);
        return;
    }
    const bool drips = current.answer.wire == fault::drip;
    current.allowance = drips ? 1 : flood_at_once;
    nghttp2_session_resume_data(session_.get(), id);
    due_.emplace(now + (drips ? moment::duration{drip_pause} : moment::duration{flood_pause}), id);
}

void http2_session::resume(moment now, std::string& out) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const std::int32_t id = due_.begin()->second;
        due_.erase(due_.begin());
        continue_due(id, now);
    }
    flush(out);
}

void http2_session::announce_max_streams() {
    const std::uint32_t wanted = host_.state().faults.http2.max_streams;
    if (announced_max_streams_ != wanted) {
        announced_max_streams_ = wanted;
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, wanted};
        nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &entry, 1);
    }
}

void http2_session::flush(std::string& out) {
    if (!flood_.exclusive) {
        announce_max_streams();
        drain();
        while (!cut_.empty()) {
            for (const std::int32_t id : std::exchange(cut_, {})) {
                end_body(id);
            }
            drain();
        }
        const bool is_over = nghttp2_session_want_read(session_.get()) == 0
                             && nghttp2_session_want_write(session_.get()) == 0;
        if (is_over && end_ == session_end::open) {
            end_ = session_end::leave;
        }
    }
    out += output_;
    output_.clear();
}

void http2_session::drain() {
    if (flood_.exclusive) {
        return;
    }
    for (;;) {
        const std::uint8_t* frame = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &frame);
        if (size <= 0) {
            return;
        }
        output_.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size));
        output_ += std::exchange(afterwards_, {});
    }
}

} // namespace kallglot::simulator
