#include "simulator/http1_session.hpp"

#include <utility>

namespace kallglot::simulator {

namespace {

// Bound of unread bytes of a client while its response is delayed; beyond it the connection is closed.
constexpr std::size_t max_unread_bytes = max_head_bytes + max_body_bytes;

constexpr std::string_view malformed_answer =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

} // namespace

http1_session::~http1_session() {
    request_over();
}

void http1_session::request_over() {
    if (std::exchange(counted_, false)) {
        host_.state().stats.request_over();
    }
}

void http1_session::receive(std::string_view plain, moment now, std::string& out) {
    if (state_ == state::reading || state_ == state::delaying) {
        serve(plain, now, out);
    }
}

void http1_session::serve(std::string_view data, moment now, std::string& out) {
    // Usually no bytes are left from before, and the request is parsed in place.
    std::string joined;
    if (!unread_.empty()) {
        joined = std::exchange(unread_, std::string());
        joined.append(data);
        data = joined;
    }
    while (state_ == state::reading && !data.empty()) {
        const std::size_t taken = serve_one(data, now, out);
        if (taken == 0) {
            break;
        }
        data.remove_prefix(taken);
    }
    if (data.size() > max_unread_bytes) {
        state_ = state::over;
        end_ = session_end::cut;
    } else if (state_ == state::reading || state_ == state::delaying) {
        unread_.assign(data);
    }
}

std::size_t http1_session::serve_one(std::string_view data, moment now, std::string& out) {
    const parse_result parsed = parse_request(data);
    if (parsed.outcome == parse_outcome::incomplete) {
        return 0;
    }
    if (parsed.outcome == parse_outcome::malformed) {
        ++host_.state().stats.malformed_requests;
        const std::size_t start = out.size();
        out += malformed_answer;
        conclude(after_answer::close, start, now, out);
        return data.size();
    }
    http_answer& answer = host_.blank_answer();
    ++origin_.position;
    const auto verdict = host_.answer(parsed.request, origin_, answer);
    counted_ = verdict.counted;
    if (verdict.delay.count() > 0) {
        pending_answer_.clear();
        pending_after_ = append_http1(pending_answer_, answer);
        state_ = state::delaying;
        due_ = now + verdict.delay;
    } else {
        const std::size_t start = out.size();
        conclude(append_http1(out, answer), start, now, out);
    }
    return parsed.size;
}

// Decides what follows the answer that begins at `start` of `out`.
void http1_session::conclude(after_answer after, std::size_t start, moment now, std::string& out) {
    if (after == after_answer::silence) {
        // The request stays in flight.
        state_ = state::silent;
        return;
    }
    request_over();
    switch (after) {
        case after_answer::keep_open:
            state_ = state::reading;
            break;
        case after_answer::drip:
            state_ = state::dripping;
            pending_answer_.assign(out.rbegin(), out.rend() - static_cast<std::ptrdiff_t>(start));
            out.resize(start);
            send_next_byte(now, out);
            break;
        case after_answer::flood:
            state_ = state::flooding;
            send_flood(now, out);
            break;
        default:
            state_ = state::over;
            end_ = after == after_answer::cut ? session_end::cut : session_end::leave;
            break;
    }
}

void http1_session::send_next_byte(moment now, std::string& out) {
    if (pending_answer_.empty()) {
        state_ = state::silent;
        return;
    }
    out += pending_answer_.back();
    pending_answer_.pop_back();
    due_ = now + drip_pause;
}

void http1_session::send_flood(moment now, std::string& out) {
    static const std::string chunk = "1000\r\n" + std::string(4096, ' ') + "\r\n";
    for (std::size_t sent = 0; sent < flood_at_once; sent += chunk.size()) {
        out += chunk;
        flooded_ += chunk.size();
    }
    if (flooded_ >= max_flooded_bytes) {
        state_ = state::over;
        end_ = session_end::cut;
        return;
    }
    due_ = now + flood_pause;
}

void http1_session::resume(moment now, std::string& out) {
    if (!due_ || now < *due_) {
        return;
    }
    due_.reset();
    if (state_ == state::delaying) {
        state_ = state::reading;
        const std::size_t start = out.size();
        out += std::exchange(pending_answer_, std::string());
        conclude(pending_after_, start, now, out);
        // Pipelined requests have waited for this answer.
        if (state_ == state::reading && !unread_.empty()) {
            serve({}, now, out);
        }
    } else if (state_ == state::dripping) {
        send_next_byte(now, out);
    } else if (state_ == state::flooding) {
        send_flood(now, out);
    }
}

} // namespace kallglot::simulator
