#include "simulator/http1_answer.hpp"

#include "simulator/error_body.hpp"
#include "simulator/session_life.hpp"

#include <array>
#include <charconv>

namespace kallglot::simulator {

namespace {

constexpr std::string_view early_hints =
    "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
constexpr std::string_view chunked_end = "\r\nTransfer-Encoding: chunked\r\n\r\n";

// The head up to the value of Content-Type.
void append_head(std::string& out, const http_answer& answer) {
    out += "HTTP/1.1 ";
    append_number(out, answer.status);
    out.append(" ").append(reason_of(answer.status)).append("\r\n").append(answer.fields);
    if (answer.close) {
        out += "Connection: close\r\n";
    }
    out.append("Content-Type: ").append(answer.type);
}

void append_chunks(std::string& out, const http_answer& answer) {
    // Pieces of different lengths, so that words and escapes are split.
    const std::string_view body = answer.body;
    for (std::size_t start = 0, piece = 7; start < body.size(); start += piece, piece = 331) {
        const std::string_view part = body.substr(start, piece);
        std::array<char, 16> size{};
        const auto end = std::to_chars(size.data(), size.data() + size.size(), part.size(), 16).ptr;
        out.append(size.data(), end).append("\r\n").append(part).append("\r\n");
    }
    out += "0\r\n";
    if (answer.wire == fault::trailers) {
        out.append("X-Trailer: ").append(trailer_bytes, 't').append("\r\n");
    }
    out += "\r\n";
}

void append_garbage(std::string& out, const http_answer& answer) {
    for (std::uint64_t i = 0; i < 100; ++i) {
        append_number(out, scatter(answer.number + i));
    }
}

void append_whole(std::string& out, const http_answer& answer) {
    append_head(out, answer);
    out += "\r\nContent-Length: ";
    append_number(out, stated_length(answer));
    out.append("\r\n\r\n").append(answer.body);
}

} // namespace

after_answer append_http1(std::string& out, const http_answer& answer) {
    const after_answer usual = answer.close ? after_answer::close : after_answer::keep_open;
    const std::size_t start = out.size();
    switch (answer.wire) {
        case fault::close:
            return after_answer::cut;
        case fault::hang:
            return after_answer::silence;
        case fault::garbage:
            append_garbage(out, answer);
            return after_answer::cut;
        case fault::endless:
            append_head(out, answer);
            out += chunked_end;
            return after_answer::flood;
        case fault::huge:
            append_whole(out, answer);
            return after_answer::flood;
        case fault::chunked:
        case fault::trailers:
            append_head(out, answer);
            out += chunked_end;
            append_chunks(out, answer);
            return usual;
        case fault::drip:
            append_whole(out, answer);
            return after_answer::drip;
        case fault::truncate:
            append_whole(out, answer);
            out.resize(out.size() - answer.body.size() + cut_length(answer));
            return after_answer::cut;
        case fault::shorter_body:
            append_whole(out, answer);
            return after_answer::close;
        case fault::two_responses:
            append_whole(out, answer);
            out += out.substr(start);
            return usual;
        case fault::interim:
            out += early_hints;
            break;
        case fault::interim_flood:
            for (int count = 0; count < interim_flood_count; ++count) {
                out += early_hints;
            }
            break;
        default:
            break;
    }
    append_whole(out, answer);
    return usual;
}

} // namespace kallglot::simulator
