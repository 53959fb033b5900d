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

// Everything before the body, which the caller adds.
void api_routes::begin(turn& current, unsigned status, std::string_view type) {
    http_answer& answer = current.answer;
    answer.status = status;
    answer.type = type;
    std::string& fields = answer.fields;
    fields.append("Date: ").append(date(current.now));
    append_field(fields, "\r\nX-Request-ID: req_", answer.number);
    if (current.budget) {
        append_field(fields, "X-RateLimit-Limit: ", current.budget->limit);
        append_field(fields, "X-RateLimit-Remaining: ", current.budget->remaining);
        append_field(fields, "X-RateLimit-Reset: ", seconds_of(current.budget->reset));
    }
    // Reads cost no credits here, so the used credits are constant.
    if (status != 401) {
        fields += "X-API-Credits-Remaining: 99583\r\nX-API-Credits-Used: 417\r\n";
    }
    state_.stats.answered(status);
}

void api_routes::send(turn& current,
                      unsigned status,
                      std::string_view type,
                      std::string_view body) {
    begin(current, status, type);
    current.answer.body = body;
}

void api_routes::send_error(turn& current, unsigned status) {
    http_answer& answer = current.answer;
    // Half of the errors have the form of each generation.
    const auto generation =
        answer.number % 2 == 0 ? json_generation::first : json_generation::second;
    begin(current, status, json_type);
    append_error(answer.body, status, generation, answer.number);
}

void api_routes::send_throttled(turn& current, std::string_view retry_after) {
    const auto pause = pause_of(retry_after);
    if (pause) {
        state_.stats.pause_begun(current.now, current.now + *pause);
    }
    send_error(current, 429);
    std::string& fields = current.answer.fields;
    if (retry_after.starts_with("date+") && pause) {
        fields += "Retry-After: ";
        append_http_date(fields, current.now + *pause);
        fields += "\r\n";
    } else if (!retry_after.empty()) {
        fields.append("Retry-After: ").append(retry_after).append("\r\n");
    }
}

// Begins a good answer and writes the session's JSON to its body; false if there is no such session.
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
    begin(current, kind == fault::bad_status ? 999 : 200, json_type);
    append_session(current.answer.body, *life, current.now, words);
    distort(current, kind);
    return true;
}

void api_routes::answer_good(turn& current) {
    if (!render(current, fault::none)) {
        send_error(current, 404);
    }
}

fault api_routes::draw_fault(const request_origin& origin, bool session) const {
    const double draw =
        std::ldexp(static_cast<double>(scatter(seed_ ^ scatter(request_number_)) >> 11U), -53);
    const fault kind = session ? state_.faults.choose(draw) : fault::none;
    return origin.http2 || !is_http2_fault(kind) ? kind : fault::none;
}

void api_routes::answer(const http_request& request,
                        system_time now,
                        const request_origin& origin,
                        http_answer& out) {
    out.number = ++request_number_;
    const std::uint64_t close_after = state_.faults.close_after;
    out.close = !request.keep_alive || (close_after > 0 && origin.position >= close_after);
    const bool session = request.path.starts_with(session_prefix);
    ++(session ? state_.stats.session_requests : state_.stats.other_requests);
    state_.stats.http2.requests += origin.http2 ? 1 : 0;

    const fault kind = draw_fault(origin, session);
    ++state_.stats.faults[static_cast<std::size_t>(kind)];
    if (is_unprocessed(kind)) {
        // The API has not seen the request, so it costs nothing.
        out.wire = kind;
        return;
    }
    turn current{request, now, out, state_.limiter.take(now)};
    if (kind != fault::none) {
        answer_fault(current, kind);
        return;
    }
    // The order of a real gateway: authentication, budget, then the path.
    if (request.key != state_.key) {
        send_error(current, 401);
    } else if (current.budget && !current.budget->allowed) {
        const auto wait = seconds_of(current.budget->reset) - seconds_of(now);
        send_throttled(current, std::to_string(wait));
    } else if (request.method != "GET") {
        send_error(current, 405);
    } else if (!session) {
        send_error(current, 404);
    } else {
        answer_good(current);
    }
}

} // namespace kallglot::simulator
