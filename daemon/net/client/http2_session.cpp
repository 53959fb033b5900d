#include "net/client/http2_session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>

namespace kallglot {

namespace {

// The server's bytes are handed to nghttp2 in slices that end at fixed positions of the stream. So the limits below are
// checked often, and the verdict does not depend on how the bytes arrived.
constexpr std::size_t slice_size = 1024;

// Each field of a list counts so many bytes more (RFC 9113 section 6.5.2).
constexpr std::size_t field_overhead = 32;

// The connection's window. Nothing is buffered, so a large one costs no memory; the default of 64 KiB would allow
// seventy answers in a round trip.
constexpr std::int32_t connection_window = 1 << 24;
// A stream's window is larger than the largest body, so that a body never waits for an update.
constexpr std::size_t window_reserve = 16 * 1024;

// Requests are taken while less than that waits to be sent.
constexpr std::size_t max_unsent = 64 * 1024;

constexpr std::size_t max_continuations = 4;

constexpr int max_bad_in_a_row = 3;

http2_code code_of(std::uint32_t number) noexcept {
    constexpr auto other = static_cast<std::uint32_t>(http2_code::other);
    return static_cast<http2_code>(std::min(number, other));
}

std::string_view view(const std::uint8_t* text, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(text), size};
}

// nghttp2 promises not to change names and values.
std::uint8_t* bytes_of(std::string_view text) noexcept {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

// nghttp2 has checked that it has three digits.
int parse_status(std::string_view text) noexcept {
    int status = 0;
    for (const char digit : text) {
        status = status * 10 + (digit - '0');
    }
    return status;
}

} // namespace

http2_session::http2_session(exchange_listener& listener,
                             reader_stock<answer_reader>& readers,
                             const http2_limits& limits)
    : listener_(listener),
      readers_(readers),
      limits_(limits) {
    start();
}

http2_session::~http2_session() {
    nghttp2_session_del(native_);
    ::explicit_bzero(output_.data(), output_.size());
}

void http2_session::start() {
    make_native();
    const std::array settings = {
        nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window()},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, response_header_limit_bytes},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    const bool submitted =
        nghttp2_submit_settings(native_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0
        && nghttp2_session_set_local_window_size(native_, NGHTTP2_FLAG_NONE, 0, connection_window)
               == 0;
    if (!submitted) {
        nghttp2_session_del(native_);
        throw std::bad_alloc();
    }
    pump();
}

std::uint32_t http2_session::stream_window() const noexcept {
    return static_cast<std::uint32_t>(limits_.body_limit_bytes + window_reserve);
}

// Requests ------------------------------------------------------------------------------------------------------------

std::size_t http2_session::max_room() const noexcept {
    const std::size_t theirs =
        nghttp2_session_get_remote_settings(native_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return std::min(limits_.max_streams, theirs);
}

std::size_t http2_session::room(steady_time now) const noexcept {
    // nghttp2 would queue what the server does not allow now, and would not say so.
    if (!settled_ || draining_ || fault_ || output_.size() >= max_unsent
        || nghttp2_session_check_request_allowed(native_) == 0) {
        return 0;
    }
    const std::size_t taken = streams_.size() + resets_.kept_places(now);
    return max_room() - std::min(taken, max_room());
}

void http2_session::open(exchange_ref ticket, request_text& text) {
    http2_stream& stream = take_spare(streams_);
    stream.ticket = ticket;
    ++in_flight_;
    // The fields are not copied: they are serialized before this call returns.
    std::array<nghttp2_nv, 9> fields;
    const std::span<const request_field> given = text.fields(ticket->request.id);
    assert(given.size() == fields.size());
    std::ranges::transform(given, fields.begin(), [](const request_field& field) {
        const unsigned kind = field.secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
        return nghttp2_nv{bytes_of(field.name),
                          bytes_of(field.value),
                          field.name.size(),
                          field.value.size(),
                          static_cast<std::uint8_t>(kind | NGHTTP2_NV_FLAG_NO_COPY_NAME
                                                    | NGHTTP2_NV_FLAG_NO_COPY_VALUE)};
    });
    stream.id =
        nghttp2_submit_request(native_, nullptr, fields.data(), fields.size(), nullptr, &stream);
    if (++requests_ == 1 && limits_.may_ping) {
        ping(ticket->sent);
    }
    draining_ = draining_ || requests_ >= limits_.max_requests;
    pump();
    // Nothing may stay in nghttp2's queue: the fields would be gone, and GOAWAY would not reach it.
    if (!stream.over && find(stream.id) != &stream) {
        fail(errc::connection_closed, "a request could not be sent over HTTP/2");
        lose(stream, errc::connection_closed);
    }
}

void http2_session::cancel(exchange_ref ticket, steady_time now) {
    const auto found = std::ranges::find_if(streams_, [&](const http2_stream& stream) {
        return !stream.answered && stream.ticket == ticket;
    });
    // Its answer is there already, and deliver() reports it.
    if (found == streams_.end()) {
        return;
    }
    http2_stream& done = take_spare(finished_);
    done.ticket = ticket;
    done.reader = std::move(found->reader);
    done.fault = errc::request_timeout;
    found->answered = true;
    --in_flight_;
    note_own_reset(found->id, now);
    nghttp2_submit_rst_stream(native_, NGHTTP2_FLAG_NONE, found->id, NGHTTP2_CANCEL);
    pump();
}

void http2_session::note_own_reset(std::int32_t id, steady_time now) {
    resets_.note(id, now, now + limits_.place_kept_after);
    // nghttp2 does not announce the rest of the body.
    budget_.announce(stream_window());
}

bool http2_session::crowded(steady_time now) const noexcept {
    return resets_.kept_places(now) > max_room() / 2;
}

// Silence -------------------------------------------------------------------------------------------------------------

// Nothing while no request is in flight: a silent server is then as it should be.
std::optional<steady_time> http2_session::silent_since() const noexcept {
    // In the order of sending.
    const auto oldest = std::ranges::find(streams_, false, &http2_stream::answered);
    return oldest == streams_.end() ? std::nullopt
                                    : std::optional(std::max(now_, oldest->ticket->sent));
}

bool http2_session::is_alive(steady_time now) {
    const std::optional<steady_time> since = silent_since();
    const auto step = since ? liveness_.look(now, *since) : http2_liveness::step::wait;
    if (step == http2_liveness::step::ping && limits_.may_ping && !fault_) {
        ping(now);
        pump();
    }
    return step != http2_liveness::step::dead;
}

steady_time http2_session::next_check(steady_time now) const noexcept {
    const std::optional<steady_time> since = silent_since();
    return since ? liveness_.next_look(now, *since) : steady_time::max();
}

void http2_session::ping(steady_time now) {
    if (nghttp2_submit_ping(native_, NGHTTP2_FLAG_NONE, nullptr) == 0) {
        liveness_.note_ping(now);
    }
}

// Bytes ---------------------------------------------------------------------------------------------------------------

bool http2_session::receive(std::span<const char> bytes, steady_time now) {
    now_ = now;
    while (!bytes.empty() && !fault_) {
        const std::size_t size =
            std::min<std::size_t>(bytes.size(), slice_size - budget_.received() % slice_size);
        consume(bytes.first(size));
        bytes = bytes.subspan(size);
    }
    if (bug_) {
        std::rethrow_exception(std::exchange(bug_, nullptr));
    }
    return !fault_;
}

void http2_session::consume(std::span<const char> slice) {
    budget_.receive(slice.size());
    const auto* const data = reinterpret_cast<const std::uint8_t*>(slice.data());
    if (nghttp2_session_mem_recv(native_, data, slice.size()) < 0) {
        fail(errc::malformed_response, "HTTP/2 protocol error");
        return;
    }
    charge(budget_.take_unannounced_points());
    if (fault_) {
        nghttp2_submit_goaway(native_,
                              NGHTTP2_FLAG_NONE,
                              0,
                              budget_.spent() ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR,
                              nullptr,
                              0);
    }
    // Acknowledgements, window updates and resets.
    pump();
    // nghttp2 reports a connection error in no other way, and closes no stream for it.
    if (nghttp2_session_want_read(native_) == 0) {
        const bool orderly = goaway_code_ && streams_.empty();
        fail(orderly ? errc::connection_closed : errc::malformed_response, "HTTP/2 protocol error");
    }
}

// Takes out what nghttp2 has to send.
void http2_session::pump() {
    for (;;) {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(native_, &data);
        if (size < 0) {
            fail(errc::connection_closed, "HTTP/2 protocol error");
        }
        if (size <= 0) {
            return;
        }
        append(view(data, static_cast<std::size_t>(size)));
    }
}

// The key is in the frames, so a string that grows must not leave a copy behind.
void http2_session::append(std::string_view frame) {
    if (output_.size() + frame.size() > output_.capacity()) {
        std::string larger;
        larger.reserve(std::max(2 * output_.capacity(), output_.size() + frame.size()));
        larger.append(output_);
        ::explicit_bzero(output_.data(), output_.size());
        output_.swap(larger);
    }
    output_.append(frame);
}

void http2_session::say_goodbye() {
    // After a fault of the server it was sent already, with the reason.
    if (fault_ == errc::cancelled || fault_ == errc::request_timeout
        || fault_ == errc::connection_closed) {
        nghttp2_submit_goaway(native_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
        pump();
    }
}

// The first fault counts.
void http2_session::fail(errc fault, std::string_view detail) noexcept {
    if (!fault_) {
        fault_ = fault;
        detail_ = detail;
    }
}

void http2_session::charge(std::size_t points) noexcept {
    budget_.charge(points);
    if (budget_.spent()) {
        fail(errc::malformed_response, "too many HTTP/2 frames without an answer");
    }
}

// Frames --------------------------------------------------------------------------------------------------------------

http2_stream* http2_session::find(std::int32_t id) const noexcept {
    return static_cast<http2_stream*>(nghttp2_session_get_stream_user_data(native_, id));
}

void http2_session::begin_frame(std::uint8_t type,
                                std::uint8_t flags,
                                std::size_t size,
                                std::int32_t id) noexcept {
    constexpr std::size_t frame_header = 9;
    budget_.announce(frame_header + size);
    switch (type) {
        case NGHTTP2_HEADERS:
            continuations_ = 0;
            if (find(id) == nullptr) {
                // The late response to a request that was reset.
                charge(1);
                // A second response to the same request. nghttp2 would ignore it; HTTP/1.1 ends the connection.
                if (!resets_.contains(id)) {
                    fail(errc::unsolicited_data, {});
                }
            }
            break;
        case NGHTTP2_CONTINUATION:
            charge(1);
            if (++continuations_ > max_continuations) {
                fail(errc::malformed_response, "too many CONTINUATION frames");
            }
            break;
        case NGHTTP2_DATA:
            charge(size == 0 && (flags & NGHTTP2_FLAG_END_STREAM) == 0 ? 1 : 0);
            break;
        case NGHTTP2_RST_STREAM:
            charge(find(id) == nullptr ? 1 : 0);
            break;
        default:
            charge(1);
            break;
    }
}

void http2_session::begin_header(http2_stream& stream) {
    stream.header_size = 0;
    if (stream.stage == stream_stage::body) {
        stream.stage = stream_stage::trailer;
        return;
    }
    stream.stage = stream_stage::header;
    if (!stream.reader && !stream.answered) {
        stream.reader = readers_.borrow();
        stream.reader->start(stream.ticket->request.id, limits_.body_limit_bytes);
    }
}

void http2_session::take_field(http2_stream& stream,
                               std::string_view name,
                               std::string_view value) {
    // nghttp2 does not enforce the limit that it announces: a header of 147 KB can expand to 500 MB.
    stream.header_size += name.size() + value.size() + field_overhead;
    if (stream.header_size > response_header_limit_bytes) {
        stream.fault = errc::header_too_large;
    }
    // Trailers are skipped: what follows the body must not change what it means.
    if (stream.fault || stream.stage != stream_stage::header || !stream.reader) {
        return;
    }
    answer_reader& reader = *stream.reader;
    if (name == ":status") {
        stream.fault = reader.take_status(parse_status(value));
    } else if (name == "content-encoding") {
        stream.fault = reader.take_encoding(value);
    } else if (name == "content-type") {
        stream.fault = reader.take_type(value);
    } else {
        reader.take_field(name, value);
    }
}

void http2_session::take_body(http2_stream& stream, std::string_view piece) {
    if (stream.answered || !stream.reader) {
        return;
    }
    stream.fault = stream.reader->take_body(piece);
    if (stream.fault) {
        nghttp2_submit_rst_stream(native_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
    }
}

// A whole header or the end of a DATA frame. nghttp2 has compared the body with content-length before this call.
void http2_session::end_frame(http2_stream& stream, bool end_of_stream) {
    liveness_.note_response();
    if (stream.answered || stream.fault || !stream.reader) {
        return;
    }
    if (stream.stage == stream_stage::header) {
        stream.stage = stream.reader->interim() ? stream_stage::waiting : stream_stage::body;
    }
    if (!end_of_stream) {
        return;
    }
    stream.stage = stream_stage::complete;
    stream.reader->finish();
    ++answers_;
    bad_in_a_row_ = 0;
    budget_.earn_answer();
    // Requests and answers do not match on this connection.
    if (stream.reader->answer().error == errc::wrong_session) {
        cause_reported_ = true;
        fail(errc::wrong_session, {});
    }
}

void http2_session::note_goaway(std::uint32_t code, std::int32_t last_id) {
    // The first of two: requests that are on their way are still taken, and the second one says which.
    constexpr std::int32_t largest_id = 0x7fffffff;
    http2_notice notice{code_of(code), true, std::nullopt};
    if (last_id != largest_id && code == NGHTTP2_NO_ERROR) {
        notice.requests = static_cast<std::uint32_t>(last_id / 2 + last_id % 2);
    }
    draining_ = true;
    limits_.may_ping = limits_.may_ping && code != NGHTTP2_ENHANCE_YOUR_CALM;
    goaway_code_ = code;
    goaway_last_id_ = last_id;
    if (notices_.size() < http2_frame_budget::max_points) {
        notices_.push_back(notice);
    }
}

void http2_session::note_reset(http2_stream& stream, std::uint32_t code) {
    stream.reset = code;
    if (code == NGHTTP2_ENHANCE_YOUR_CALM || code == NGHTTP2_HTTP_1_1_REQUIRED) {
        limits_.may_ping = false;
        draining_ = true;
        notices_.push_back({code_of(code), false, std::nullopt});
    }
}

// The end of a request ------------------------------------------------------------------------------------------------

bool http2_session::is_above_last(const http2_stream& stream) const noexcept {
    return goaway_code_ && stream.id > goaway_last_id_;
}

// nghttp2 has closed the stream.
void http2_session::close(http2_stream& stream) {
    // abandon() decides what becomes of the others.
    if (fault_ && stream.stage != stream_stage::complete) {
        return;
    }
    if (!stream.answered) {
        const bool own = !stream.reset && !is_above_last(stream);
        judge_end(stream);
        if (own && stream.stage != stream_stage::complete) {
            note_own_reset(stream.id, now_);
        }
    }
    settle(stream);
}

// What an end means. Only END_STREAM makes an answer valid: RST_STREAM(NO_ERROR) in the middle of a body looks like
// success otherwise.
void http2_session::judge_end(http2_stream& stream) {
    if (!stream.fault && stream.stage != stream_stage::complete) {
        if (stream.reset == NGHTTP2_REFUSED_STREAM && !stream.reader) {
            stream.unprocessed = resend_cause::refused;
            draining_ = true;
        } else if (stream.reset == NGHTTP2_HTTP_1_1_REQUIRED && !stream.reader) {
            stream.unprocessed = resend_cause::http_1_1_required;
        } else if (stream.reset) {
            stream.fault = errc::stream_reset;
        } else if (!is_above_last(stream)) {
            stream.fault = errc::malformed_response;
        } else if (stream.reader) {
            // It was answered in part, so it was processed, whatever GOAWAY says.
            stream.fault = errc::connection_closed;
        } else if (*goaway_code_ == NGHTTP2_HTTP_1_1_REQUIRED) {
            stream.unprocessed = resend_cause::http_1_1_required;
        } else if (*goaway_code_ != NGHTTP2_NO_ERROR && answers_ == 0 && stream.id == 1) {
            // The server rejects what this client does; sending it again would be a loop.
            stream.fault = errc::connection_closed;
        } else {
            stream.unprocessed = resend_cause::goaway;
        }
    }
    if (stream.fault && is_refused_answer(*stream.fault) && ++bad_in_a_row_ >= max_bad_in_a_row) {
        cause_reported_ = true;
        fail(*stream.fault, {});
    }
}

// Moves a stream that nghttp2 does not know any more to those that deliver() reports.
void http2_session::settle(http2_stream& stream) {
    stream.over = true;
    if (stream.answered) {
        spare_.splice(spare_.end(), streams_, stream.position);
        return;
    }
    --in_flight_;
    finished_.splice(finished_.end(), streams_, stream.position);
}

void http2_session::abandon(errc reason) {
    fail(reason, {});
    draining_ = true;
    for (auto next = streams_.begin(); next != streams_.end();) {
        http2_stream& stream = *next++;
        lose(stream, reason);
    }
}

// The connection is lost. The API may have processed the request.
void http2_session::lose(http2_stream& stream, errc reason) {
    const exchange& lost = *stream.ticket;
    const bool plain = reason == errc::connection_closed || reason == errc::connection_reset
                       || reason == errc::request_timeout;
    if (stream.answered || stream.fault || stream.stage == stream_stage::complete) {
        // What it has, an answer or an error, does not depend on what followed.
    } else if (reason == errc::cancelled) {
        stream.fault = reason;
    } else if (lost.overdue) {
        stream.fault = errc::request_timeout;
        stream.shared_cause = std::exchange(cause_reported_, true);
    } else if (!stream.reader && !lost.request.fresh_connection && (plain || cause_reported_)) {
        // A GET is safe: the poller sends it again, once. Also if nothing was answered here yet: a server that is restarted
        // may lose a connection that has just opened, with all that waited for it.
        stream.fault = errc::reused_connection_closed;
    } else {
        const bool ours = reason == errc::request_timeout || reason == errc::wrong_session;
        stream.fault = ours ? errc::connection_closed : reason;
        stream.shared_cause = std::exchange(cause_reported_, true);
    }
    settle(stream);
}

// Answers -------------------------------------------------------------------------------------------------------------

void http2_session::deliver(steady_time now) {
    // The listener may add to the list.
    while (!finished_.empty()) {
        http2_stream_list one;
        one.splice(one.begin(), finished_, finished_.begin());
        report(one.front(), now);
        recycle(one);
    }
}

void http2_session::report(http2_stream& stream, steady_time now) {
    if (stream.unprocessed) {
        listener_.on_unprocessed(stream.ticket, *stream.unprocessed);
        return;
    }
    api_answer empty;
    if (stream.fault && stream.reader) {
        stream.reader->fail(*stream.fault);
    }
    api_answer& answer = stream.reader ? stream.reader->answer() : empty;
    if (stream.fault) {
        answer.error = *stream.fault;
        answer.detail = detail_;
    }
    answer.shared_cause = stream.shared_cause;
    answer.sent = stream.ticket->sent;
    answer.received = now;
    listener_.on_exchanged(stream.ticket, answer);
}

void http2_session::recycle(http2_stream_list& one) {
    if (one.front().reader) {
        readers_.give_back(std::move(one.front().reader));
    }
    spare_.splice(spare_.end(), one);
}

// A stream without a past, at the end of a list.
http2_stream& http2_session::take_spare(http2_stream_list& to) {
    if (spare_.empty()) {
        spare_.emplace_back();
    }
    const auto first = spare_.begin();
    *first = http2_stream();
    first->position = first;
    to.splice(to.end(), spare_, first);
    return *first;
}

} // namespace kallglot
