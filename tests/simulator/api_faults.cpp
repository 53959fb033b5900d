// The part of api_routes that answers with faults.

#include "simulator/api_routes.hpp"
#include "simulator/api_turn.hpp"
#include "simulator/session_life.hpp"

#include <array>
#include <string>

namespace kallglot::simulator {

namespace {

constexpr std::string_view html_type = "text/html; charset=utf-8";
constexpr std::string_view html =
    "<!doctype html><html><head><title>Please wait</title></head><body><h1>We will be right "
    "back</h1><p>CANARY: the upstream did not answer in time.</p></body></html>";
constexpr std::size_t deepest = 100'000;

} // namespace

// Replaces values of a good body by wrong ones.
void api_routes::distort(turn& current, fault kind) {
    constexpr std::array<std::string_view, 8> times{
        R"("9999-12-31T23:59:59Z")",
        R"("1970-01-01T00:00:00Z")",
        R"("2026-02-30T10:00:00Z")",
        R"("2026-01-01T10:00:00+14:00")",
        R"("2016-12-31T23:59:60Z")",
        R"("2026-01-01T10:00:00.01234567890123456789Z")",
        R"("yesterday")",
        R"("")"};
    constexpr std::array<std::string_view, 5> values{"7", "{\"a\":[1,2]}", "[]", "true", "1e999"};
    std::string& body = current.answer.body;
    if (kind == fault::deep) {
        body = std::string(deepest, '[') + std::string(deepest, ']');
    }
    if (kind != fault::bad_dates && kind != fault::wrong_types) {
        return;
    }
    const bool dates = kind == fault::bad_dates;
    std::uint64_t draw = scatter(current.answer.number);
    for (const std::string_view name : {"created_at", "started_at", "ended_at", "status", "mode"}) {
        const bool is_time = name.ends_with("_at");
        const std::size_t place = body.find('"' + std::string(name) + "\":\"");
        if (place == std::string::npos || (dates && !is_time)) {
            continue;
        }
        const std::size_t begin = place + name.size() + 3;
        const std::size_t end = body.find('"', begin + 1) + 1;
        const std::string_view value =
            dates ? times[draw % times.size()] : values[draw % values.size()];
        body.replace(begin, end - begin, value);
        draw /= 8;
    }
}

// Faults with a complete answer; false if `kind` is another fault.
bool api_routes::answer_common_fault(turn& current, fault kind) {
    switch (kind) {
        case fault::unauthorized:
            send_error(current, 401);
            return true;
        case fault::payment_required:
            send_error(current, 402);
            return true;
        case fault::forbidden:
            send_error(current, 403);
            return true;
        case fault::not_found:
            send_error(current, 404);
            return true;
        case fault::gone:
            send_error(current, 410);
            return true;
        case fault::misdirected:
            send_error(current, 421);
            return true;
        case fault::rate_limited:
            send_throttled(current, state_.faults.retry_after);
            return true;
        case fault::server_error:
            send_error(current, 500);
            return true;
        case fault::bad_gateway:
            send(current, 502, html_type, html);
            return true;
        case fault::unavailable:
            send(current, 503, html_type, html);
            return true;
        case fault::not_json:
            send(current, 200, json_type, html);
            return true;
        case fault::empty_body:
            send(current, 200, json_type, "");
            return true;
        case fault::redirect:
            send(current, 302, html_type, html);
            current.answer.fields += "Location: https://sessions.example.net/v1/elsewhere\r\n";
            return true;
        default:
            return false;
    }
}

void api_routes::answer_fault(turn& current, fault kind) {
    http_answer& answer = current.answer;
    answer.wire = kind;
    if (kind == fault::close || kind == fault::hang || kind == fault::garbage
        || answer_common_fault(current, kind)) {
        return;
    }
    if (kind == fault::endless || kind == fault::huge) {
        send(current, 200, json_type, "");
        return;
    }
    // The other faults vary a good answer, so they need a session.
    if (!render(current, kind)) {
        answer.wire = fault::none;
        send_error(current, 404);
        return;
    }
    answer.close = answer.close || kind == fault::connection_close;
}

} // namespace kallglot::simulator
