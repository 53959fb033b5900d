// Writes an answer in HTTP/1.1, with the faults of its framing.

#ifndef KALLGLOT_SIMULATOR_HTTP1_ANSWER_HPP
#define KALLGLOT_SIMULATOR_HTTP1_ANSWER_HPP

#include "simulator/http_answer.hpp"

#include <string>

namespace kallglot::simulator {

/// What happens to the connection after the answer.
enum class after_answer : std::uint8_t {
    keep_open,
    close,   // orderly
    cut,     // at once, without close_notify
    silence, // nothing more is ever sent on it
    drip,    // the answer itself goes out one byte a second
    flood,   // chunks follow until the client leaves
};

/// Appends the bytes of the answer to `out`. Faults that only HTTP/2 has give a good answer.
[[nodiscard]] after_answer append_http1(std::string& out, const http_answer& answer);

} // namespace kallglot::simulator

#endif
