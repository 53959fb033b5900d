#include "simulator/api_routes.hpp"

#include "simulator/api_turn.hpp"
#include "simulator/error_body.hpp"
#include "simulator/session_body.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace kallglot::simulator {

namespace {

constexpr std::string_view session_prefix = "/v1/sessions/";

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
    out.append(name);
    append_number(out, value);
    out += "\r\n";
}

std::uint64_t seconds_of(system_time time) {
    return static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

} // namespace

std::string_view api_routes::date(system_time now) {
    const system_time second = std::chrono::floor<std::chrono::seconds>(now);
    if (second != date_second_) {
        date_second_ = second;
        date_.clear();
        append_http_date(date_, now);
    }
    return date_;
}

void api_routes::begin_head(turn& current, unsigned status) {
    std::string& out = current.out;
    out += "HTTP/1.1 ";
    append_number(out, status);
    out.append(" ").append(reason_of(status)).append("\r\nDate: ").append(date(current.now));
    out += "\r\nX-Request-ID: req_";
    append_number(out, current.number);
    out += "\r\n";
    if (current.budget) {
        append_field(out, "X-RateLimit-Limit: ", current.budget->limit);
        append_field(out, "X-RateLimit-Remaining: ", current.budget->remaining);
        append_field(out, "X-RateLimit-Reset: ", seconds_of(current.budget->reset));
    }
    // Reads cost no credits here, so the used credits are constant.
    if (status != 401) {
        out += "X-API-Credits-Remaining: 99583\r\nX-API-Credits-Used: 417\r\n";
    }
    if (current.close) {
        out += "Connection: close\r\n";
    }
    out += current.extra_fields;
    state_.stats.answered(status);
}

void api_routes::finish(turn& current, std::string_view type, std::string_view body) {
    current.out.append("Content-Type: ").append(type).append("\r\n");
    append_field(current.out, "Content-Length: ", body.size());
    current.out.append("\r\n").append(body);
}

void api_routes::send(turn& current,
                      unsigned status,
                      std::string_view type,
                      std::string_view body) {
    begin_head(current, status);
    finish(current, type, body);
}

void api_routes::send_error(turn& current, unsigned status) {
    std::string body;
    // Half of the errors have the form of each generation.
    const auto generation =
        current.number % 2 == 0 ? json_generation::first : json_generation::second;
    append_error(body, status, generation, current.number);
    send(current, status, json_type, body);
}

void api_routes::send_throttled(turn& current, std::string_view retry_after) {
    const auto pause = pause_of(retry_after);
    std::string fields;
    if (retry_after.starts_with("date+") && pause) {
        fields += "Retry-After: ";
        append_http_date(fields, current.now + *pause);
        fields += "\r\n";
    } else if (!retry_after.empty()) {
        fields.append("Retry-After: ").append(retry_after).append("\r\n");
    }
    if (pause) {
        state_.stats.pause_begun(current.now, current.now + *pause);
    }
    current.extra_fields = fields;
    send_error(current, 429);
    current.extra_fields = {};
}

// Writes the session's JSON to the shared body; false if there is no such session.
bool api_routes::render(turn& current, fault kind) {
    const std::string_view id = current.request.path.substr(session_prefix.size());
    const auto life = state_.sessions.find(id, current.now);
    if (!life) {
        return false;
    }
    body_words words{id, to_text(status_at(*life, current.now))};
    std::string other;
    if (kind == fault::wrong_id) {
        other = state_.sessions.id_of(life->number ^ 1U);
        words.id = other;
    }
    if (kind == fault::unknown_status) {
        words.status = "transferring";
    }
    if (kind == fault::backwards) {
        words.status = "created";
    }
    std::array<std::string, 3> hostile;
    if (kind == fault::hostile_words) {
        for (std::string& word : hostile) {
            word = hostile_word(hostile_words_++);
        }
        words.status = hostile[0];
        words.mode = hostile[1];
        words.provider = hostile[2];
    }
    state_.sessions.count_question(life->number);
    body_.clear();
    append_session(body_, *life, current.now, words);
    distort(current, kind);
    return true;
}

after_answer api_routes::answer_good(turn& current) {
    if (render(current, fault::none)) {
        send(current, 200, json_type, body_);
    } else {
        send_error(current, 404);
    }
    return current.close ? after_answer::close : after_answer::keep_open;
}

after_answer api_routes::answer(const http_request& request,
                                system_time now,
                                std::uint64_t position,
                                std::string& out) {
    const std::uint64_t number = ++request_number_;
    const std::uint64_t close_after = state_.faults.close_after;
    turn current{request,
                 now,
                 out,
                 state_.limiter.take(now),
                 number,
                 !request.keep_alive || (close_after > 0 && position >= close_after)};
    const after_answer usual = current.close ? after_answer::close : after_answer::keep_open;
    const bool session = request.path.starts_with(session_prefix);
    ++(session ? state_.stats.session_requests : state_.stats.other_requests);

    const double draw =
        std::ldexp(static_cast<double>(scatter(seed_ ^ scatter(number)) >> 11U), -53);
    const fault kind = session ? state_.faults.choose(draw) : fault::none;
    ++state_.stats.faults[static_cast<std::size_t>(kind)];
    if (kind != fault::none) {
        return answer_fault(current, kind);
    }
    // The order of a real gateway: authentication, budget, then the path.
    if (request.key != state_.key) {
        send_error(current, 401);
        return usual;
    }
    if (current.budget && !current.budget->allowed) {
        const auto wait = seconds_of(current.budget->reset) - seconds_of(now);
        send_throttled(current, std::to_string(wait));
        return usual;
    }
    if (request.method != "GET") {
        send_error(current, 405);
        return usual;
    }
    if (!session) {
        send_error(current, 404);
        return usual;
    }
    return answer_good(current);
}

} // namespace kallglot::simulator
