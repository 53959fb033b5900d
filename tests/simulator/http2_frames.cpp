#include "simulator/http2_frames.hpp"

#include <algorithm>

namespace kallglot::simulator::http2 {

namespace {

// Parts of header blocks. Source: RFC 7541, section 6 and appendix A
constexpr char indexed_status_200 = '\x88';
constexpr char indexed_get = '\x82';
constexpr char indexed_root = '\x84';
constexpr char indexed_https = '\x87';
constexpr char literal_authority = '\x01'; // without indexing, name of entry 1
constexpr char first_dynamic = '\xbe';     // indexed, entry 62

constexpr std::size_t bomb_value_bytes = 3800;
constexpr std::size_t bomb_references = 143'000;
constexpr std::uint32_t max_window = 0x7fff'ffff;

// A stream of the client that no test reaches.
constexpr std::uint32_t far_stream = 0x3fff'ffff;

void append_word(std::string& out, std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        out += static_cast<char>((word >> static_cast<unsigned>(shift)) & 0xffU);
    }
}

std::string word(std::uint32_t value) {
    std::string text;
    append_word(text, value);
    return text;
}

// The part of an integer beyond its prefix, which is full.
void append_rest(std::string& out, std::size_t rest) {
    for (; rest >= 128; rest /= 128) {
        out += static_cast<char>(0x80U | (rest % 128));
    }
    out += static_cast<char>(rest);
}

// A literal field without indexing, with a short name.
std::string literal(std::string_view name, std::string_view value) {
    std::string block(1, '\0');
    block += static_cast<char>(name.size());
    block.append(name);
    block += static_cast<char>(value.size());
    block.append(value);
    return block;
}

std::string settings_payload() {
    // SETTINGS_INITIAL_WINDOW_SIZE, unchanged.
    return std::string("\x00\x04", 2) + word(65'535);
}

void append_flood_frame(std::string& out, fault kind, std::uint32_t stream) {
    switch (kind) {
        case fault::ping_flood:
            append_frame(out, frame_type::ping, 0, 0, "rehearse");
            break;
        case fault::settings_flood:
            append_frame(out, frame_type::settings, 0, 0, settings_payload());
            break;
        case fault::window_flood:
            append_frame(out, frame_type::window_update, 0, 0, word(1));
            break;
        case fault::priority_flood:
            append_frame(out, frame_type::priority, 0, far_stream, word(0) + '\x10');
            break;
        case fault::reset_flood:
            append_frame(out, frame_type::rst_stream, 0, stream, word(8));
            break;
        case fault::unknown_flood:
            append_frame(out, frame_type::unknown, 0, 0, std::string(64, 'u'));
            break;
        case fault::empty_data_flood:
            append_frame(out, frame_type::data, 0, stream, {});
            break;
        case fault::continuation_flood:
            append_frame(out,
                         frame_type::continuation,
                         0,
                         stream,
                         literal("x-flood", "of continuation frames"));
            break;
        default:
            append_data(out, stream, max_frame_bytes);
            break;
    }
}

} // namespace

void append_frame(std::string& out,
                  frame_type type,
                  std::uint8_t flags,
                  std::uint32_t stream,
                  std::string_view payload) {
    const auto size = static_cast<std::uint32_t>(payload.size());
    append_word(out, size << 8U | static_cast<std::uint8_t>(type));
    out += static_cast<char>(flags);
    append_word(out, stream);
    out.append(payload);
}

void append_data(std::string& out, std::uint32_t stream, std::uint64_t size) {
    static const std::string zeros(max_frame_bytes, '0');
    while (size > 0) {
        const auto part = std::min<std::uint64_t>(size, max_frame_bytes);
        append_frame(out, frame_type::data, 0, stream, std::string_view(zeros).substr(0, part));
        size -= part;
    }
}

void append_second_answer(std::string& out, std::uint32_t stream, std::string_view body) {
    append_frame(out,
                 frame_type::headers,
                 end_headers,
                 stream,
                 std::string_view(&indexed_status_200, 1));
    append_frame(out, frame_type::data, end_stream, stream, body.substr(0, max_frame_bytes));
}

void append_push_promise(std::string& out, std::uint32_t stream, std::uint32_t promised) {
    constexpr std::string_view authority = "localhost";
    std::string payload = word(promised);
    payload += indexed_get;
    payload += indexed_https;
    payload += indexed_root;
    payload += literal_authority;
    payload += static_cast<char>(authority.size());
    payload.append(authority);
    append_frame(out, frame_type::push_promise, end_headers, stream, payload);
}

void append_goaway(std::string& out, std::uint32_t last_stream, std::uint32_t code) {
    append_frame(out, frame_type::goaway, 0, 0, word(last_stream) + word(code));
}

void append_hpack_bomb(std::string& out, std::uint32_t stream) {
    // The client's table has 4 KiB again, whatever size this server stated before.
    std::string block = "\x3f";
    append_rest(block, 4096 - 31);
    block += indexed_status_200;
    // A literal field with indexing: name and value.
    block += "\x40\x06x-bomb\x7f";
    append_rest(block, bomb_value_bytes - 127);
    block.append(bomb_value_bytes, 'b');
    block.append(bomb_references, first_dynamic);
    frame_type type = frame_type::headers;
    for (std::string_view rest = block; !rest.empty(); type = frame_type::continuation) {
        const std::string_view part = rest.substr(0, max_frame_bytes);
        rest.remove_prefix(part.size());
        const std::uint8_t ends = type == frame_type::headers ? end_stream : 0;
        append_frame(out,
                     type,
                     static_cast<std::uint8_t>(ends | (rest.empty() ? end_headers : 0)),
                     stream,
                     part);
    }
}

void append_violation(std::string& out, fault kind, std::uint32_t stream) {
    switch (kind) {
        case fault::window_overflow:
            append_frame(out, frame_type::window_update, 0, 0, word(max_window));
            append_frame(out, frame_type::window_update, 0, 0, word(max_window));
            break;
        case fault::idle_stream:
            append_data(out, far_stream, 1);
            break;
        case fault::goaway_rising:
            append_goaway(out, stream > 2 ? stream - 2 : 0, 0);
            append_goaway(out, stream + 100, 0);
            break;
        case fault::hpack_bomb:
            append_hpack_bomb(out, stream);
            break;
        default:
            break;
    }
}

std::string flood_beginning(fault kind, std::uint32_t stream) {
    std::string out;
    if (kind == fault::continuation_flood) {
        append_frame(out, frame_type::headers, 0, stream, std::string_view(&indexed_status_200, 1));
    } else if (kind == fault::reset_flood) {
        append_second_answer(out, stream, "{}");
    } else if (kind == fault::empty_data_flood || kind == fault::window_overrun) {
        append_frame(out,
                     frame_type::headers,
                     end_headers,
                     stream,
                     std::string_view(&indexed_status_200, 1));
    }
    return out;
}

std::string flood_unit(fault kind, std::uint32_t stream) {
    std::string unit;
    while (unit.size() < max_frame_bytes) {
        append_flood_frame(unit, kind, stream);
    }
    return unit;
}

} // namespace kallglot::simulator::http2
