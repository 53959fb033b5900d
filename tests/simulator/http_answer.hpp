// The answer to one request, before a protocol writes it: HTTP/1.1 and HTTP/2 send the same answers.

#ifndef KALLGLOT_SIMULATOR_HTTP_ANSWER_HPP
#define KALLGLOT_SIMULATOR_HTTP_ANSWER_HPP

#include "simulator/fault_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator {

inline constexpr std::string_view json_type = "application/json";

/// Sizes of the faults that both protocols send.
inline constexpr std::size_t trailer_bytes = 64 * std::size_t{1024};
inline constexpr std::uint64_t huge_body_bytes = std::uint64_t{1} << 30U;
inline constexpr int interim_flood_count = 20;

/// The number of bytes by which the Content-Length of `longer_body` and `shorter_body` is wrong.
inline constexpr std::size_t length_error = 10;

/// Status, fields and body. The fields that frame the body belong to the protocol.
struct http_answer {
    unsigned status{200};
    std::string fields; // "Name: value\r\n" each
    std::string_view type;
    std::string body;

    /// The fault that the protocol applies while it sends. It ignores faults that are in the content already.
    fault wire{fault::none};

    std::uint64_t number{0}; // of the request; a seed for draws
    bool close{false};       // the last answer of its connection

    /// Keeps the memory of the strings.
    void clear() {
        status = 200;
        fields.clear();
        type = {};
        body.clear();
        wire = fault::none;
        number = 0;
        close = false;
    }
};

/// The length of the first part of a body that is cut: within the body, never before or after it.
[[nodiscard]] std::size_t cut_length(const http_answer& answer);

/// The Content-Length of an answer, which two faults make wrong.
[[nodiscard]] std::uint64_t stated_length(const http_answer& answer);

} // namespace kallglot::simulator

#endif
