/// Decodes a chunked request body from bytes, stricter than RFC 9112 allows and without I/O.
///
/// Programs that send a stream do not know its length and use chunks. What servers and proxies read differently is
/// rejected: trailers, line feeds without a carriage return, blanks around a size, and long chunk extensions.

#ifndef KALLGLOT_NET_SERVER_CHUNK_DECODER_HPP
#define KALLGLOT_NET_SERVER_CHUNK_DECODER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot {

/// Source: RFC 9112 section 7.1. The decoder of one body.
class chunk_decoder {
public:
    enum class state : std::uint8_t {
        reading,   ///< all input is consumed but a part of a line; more is needed
        complete,  ///< the body has ended; bytes behind it belong to the next request
        malformed, ///< this is no chunked body, or its end is ambiguous
        too_large  ///< the next chunk exceeds the limit of the body
    };

    /// Of all chunk extensions of a body together. They are ignored, so they only cost time.
    static constexpr std::size_t max_extension_bytes = 1024;

    explicit chunk_decoder(std::size_t max_body_bytes) noexcept : max_body_bytes_(max_body_bytes) {}

    /// Appends the data of chunks to `body`, and removes what it has consumed from the front of `input`. The rest, less than
    /// a line, is the front of the next input.
    state decode(std::string_view& input, std::string& body);

private:
    enum class part : std::uint8_t { size_line, data, end_of_data, end_of_body };

    state read_size(std::string_view& input, std::size_t body_size);
    state read_line_end(std::string_view& input);

    std::size_t max_body_bytes_;
    std::size_t data_left_ = 0; ///< of the present chunk
    std::size_t extension_bytes_ = 0;
    part next_ = part::size_line;
};

} // namespace kallglot

#endif
