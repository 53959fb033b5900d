// HTTP/2 frames as bytes, for what nghttp2 does not send: the frames of a broken or hostile server. Pure.
//
// Their fields use no dynamic table, except those of `hpack_bomb`. So they fit between the frames of a session without one.

#ifndef KALLGLOT_SIMULATOR_HTTP2_FRAMES_HPP
#define KALLGLOT_SIMULATOR_HTTP2_FRAMES_HPP

#include "simulator/fault_plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator::http2 {

/// Types and flags of frames. Source: RFC 9113, section 6
enum class frame_type : std::uint8_t {
    data = 0,
    headers = 1,
    priority = 2,
    rst_stream = 3,
    settings = 4,
    push_promise = 5,
    ping = 6,
    goaway = 7,
    window_update = 8,
    continuation = 9,
    unknown = 0xbb,
};
inline constexpr std::uint8_t end_stream = 1;
inline constexpr std::uint8_t end_headers = 4;

inline constexpr std::size_t max_frame_bytes = 16384;

/// Appends one frame.
void append_frame(std::string& out,
                  frame_type type,
                  std::uint8_t flags,
                  std::uint32_t stream,
                  std::string_view payload);

/// Appends frames of DATA with `size` zeros.
void append_data(std::string& out, std::uint32_t stream, std::uint64_t size);

/// Appends `:status 200` and a body on a stream, whatever its state is.
void append_second_answer(std::string& out, std::uint32_t stream, std::string_view body);

/// Appends a promise of the stream `promised`.
void append_push_promise(std::string& out, std::uint32_t stream, std::uint32_t promised);

/// Appends GOAWAY.
void append_goaway(std::string& out, std::uint32_t last_stream, std::uint32_t code);

/// Appends the answer that fills the table with one entry of 4 KB, which each of 143,000 bytes then names.
void append_hpack_bomb(std::string& out, std::uint32_t stream);

/// Appends frames that a client must not get once, such as `window_overflow`; nothing for another fault.
void append_violation(std::string& out, fault kind, std::uint32_t stream);

/// The bytes before a flood: for `continuation_flood` the HEADERS that the others continue.
[[nodiscard]] std::string flood_beginning(fault kind, std::uint32_t stream);

/// About 16 KiB of whole frames of a flood.
[[nodiscard]] std::string flood_unit(fault kind, std::uint32_t stream);

} // namespace kallglot::simulator::http2

#endif
