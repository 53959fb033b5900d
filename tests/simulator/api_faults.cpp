// The part of api_routes that answers with faults.

#include "simulator/api_routes.hpp"
#include "simulator/api_turn.hpp"
#include "simulator/session_life.hpp"

#include <array>
#include <charconv>
#include <string>

namespace kallglot::simulator {

namespace {

constexpr std::string_view html_type = "text/html; charset=utf-8";
constexpr std::string_view html =
    "<!doctype html><html><head><title>Please wait</title></head><body><h1>We will be right "
    "back</h1><p>CANARY: the upstream did not answer in time.</p></body></html>";
constexpr std::size_t deepest = 100'000;
constexpr std::size_t trailer_bytes = 64 * std::size_t{1024};

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
    if (kind == fault::deep) {
        body_ = std::string(deepest, '[') + std::string(deepest, ']');
    }
    if (kind != fault::bad_dates && kind != fault::wrong_types) {
        return;
    }
    const bool dates = kind == fault::bad_dates;
    std::uint64_t draw = scatter(current.number);
    for (const std::string_view name : {"created_at", "started_at", "ended_at", "status", "mode"}) {
        const bool is_time = name.ends_with("_at");
        const std::size_t place = body_.find('"' + std::string(name) + "\":\"");
        if (place == std::string::npos || (dates && !is_time)) {
            continue;
        }
        const std::size_t begin = place + name.size() + 3;
        const std::size_t end = body_.find('"', begin + 1) + 1;
        const std::string_view value =
            dates ? times[draw % times.size()] : values[draw % values.size()];
        body_.replace(begin, end - begin, value);
        draw /= 8;
    }
}

void api_routes::send_chunked(turn& current, std::string_view trailers) {
    begin_head(current, 200);
    current.out.append("Content-Type: ").append(json_type);
    current.out += "\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Three pieces of different lengths, so that words and escapes are split.
    const std::string_view body = body_;
    for (std::size_t start = 0, piece = 7; start < body.size(); start += piece, piece = 331) {
        const std::string_view part = body.substr(start, piece);
        std::array<char, 16> size{};
        const auto end = std::to_chars(size.data(), size.data() + size.size(), part.size(), 16).ptr;
        current.out.append(size.data(), end).append("\r\n").append(part).append("\r\n");
    }
    current.out.append("0\r\n").append(trailers).append("\r\n");
}

// Answers without an end; nothing if `kind` is another fault.
std::optional<after_answer> api_routes::answer_without_end(turn& current, fault kind) {
    if (kind == fault::endless || kind == fault::huge) {
        begin_head(current, 200);
        current.out.append("Content-Type: ").append(json_type);
        current.out += kind == fault::endless ? "\r\nTransfer-Encoding: chunked\r\n\r\n"
                                              : "\r\nContent-Length: 1073741824\r\n\r\n";
        return after_answer::flood;
    }
    if (kind == fault::drip && render(current, kind)) {
        send(current, 200, json_type, body_);
        return after_answer::drip;
    }
    return std::nullopt;
}

// Faults with a complete answer; nothing if `kind` is another fault.
std::optional<fault> api_routes::answer_common_fault(turn& current, fault kind) {
    switch (kind) {
        case fault::unauthorized:
            send_error(current, 401);
            return kind;
        case fault::payment_required:
            send_error(current, 402);
            return kind;
        case fault::forbidden:
            send_error(current, 403);
            return kind;
        case fault::not_found:
            send_error(current, 404);
            return kind;
        case fault::gone:
            send_error(current, 410);
            return kind;
        case fault::rate_limited:
            send_throttled(current, state_.faults.retry_after);
            return kind;
        case fault::server_error:
            send_error(current, 500);
            return kind;
        case fault::bad_gateway:
            send(current, 502, html_type, html);
            return kind;
        case fault::unavailable:
            send(current, 503, html_type, html);
            return kind;
        case fault::not_json:
            send(current, 200, json_type, html);
            return kind;
        case fault::empty_body:
            send(current, 200, json_type, "");
            return kind;
        case fault::redirect:
            current.extra_fields = "Location: https://sessions.example.net/v1/elsewhere\r\n";
            send(current, 302, html_type, html);
            return kind;
        default:
            return std::nullopt;
    }
}

after_answer api_routes::answer_fault(turn& current, fault kind) {
    const after_answer usual = current.close ? after_answer::close : after_answer::keep_open;
    if (kind == fault::close) {
        return after_answer::cut;
    }
    if (kind == fault::hang) {
        return after_answer::silence;
    }
    if (kind == fault::garbage) {
        for (std::uint64_t i = 0; i < 100; ++i) {
            append_number(current.out, scatter(current.number + i));
        }
        return after_answer::cut;
    }
    if (answer_common_fault(current, kind)) {
        return usual;
    }
    if (const auto after = answer_without_end(current, kind)) {
        return *after;
    }
    // The other faults vary a good answer, so they need a session.
    if (!render(current, kind)) {
        send_error(current, 404);
        return usual;
    }
    if (kind == fault::chunked || kind == fault::trailers) {
        const std::string trailer = "X-Trailer: " + std::string(trailer_bytes, 't') + "\r\n";
        send_chunked(current, kind == fault::trailers ? trailer : std::string());
        return usual;
    }
    if (kind == fault::interim) {
        current.out += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    }
    current.close = current.close || kind == fault::connection_close;
    const std::size_t start = current.out.size();
    send(current, 200, json_type, body_);
    if (kind == fault::truncate) {
        // Somewhere within the body, never before or after it.
        const std::size_t remaining =
            1 + static_cast<std::size_t>(scatter(current.number) % (body_.size() - 1));
        current.out.resize(current.out.size() - body_.size() + remaining);
        return after_answer::cut;
    }
    if (kind == fault::two_responses) {
        const std::string again = current.out.substr(start);
        current.out += again;
    }
    return current.close ? after_answer::close : after_answer::keep_open;
}

} // namespace kallglot::simulator
