#include "net/server/chunk_decoder.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace kallglot {

namespace {

// More digits than any size within the limit of a body needs, and few enough not to overflow.
constexpr std::size_t max_size_digits = 8;

// An extension is ignored, but must be text: a control character may end a line for another server.
[[nodiscard]] bool is_extension(std::string_view text) noexcept {
    const auto is_text = [](char c) {
        return c == '\t' || (c >= ' ' && c <= '~');
    };
    return text.empty() || (text.front() == ';' && std::ranges::all_of(text, is_text));
}

} // namespace

chunk_decoder::state chunk_decoder::decode(std::string_view& input, std::string& body) {
    for (;;) {
        state outcome = state::complete;
        switch (next_) {
            case part::size_line:
                outcome = read_size(input, body.size());
                break;
            case part::data: {
                // Data may arrive in any pieces; what belongs to the chunk is taken at once.
                const std::string_view piece = input.substr(0, data_left_);
                body += piece;
                input.remove_prefix(piece.size());
                data_left_ -= piece.size();
                if (data_left_ != 0) {
                    return state::reading;
                }
                next_ = part::end_of_data;
                break;
            }
            case part::end_of_data:
                outcome = read_line_end(input);
                if (outcome == state::complete) {
                    next_ = part::size_line;
                }
                break;
            case part::end_of_body:
                // Anything else here is a trailer.
                return read_line_end(input);
        }
        if (outcome != state::complete) {
            return outcome;
        }
    }
}

// `complete` here and below: this part is read.
chunk_decoder::state chunk_decoder::read_size(std::string_view& input, std::size_t body_size) {
    // The format is that of RFC 9112 section 7.1.
    const std::size_t line_feed = input.find('\n');
    if (line_feed == std::string_view::npos) {
        // A line without an end must not grow for ever: digits, extensions and CR are all that may come.
        const bool may_end =
            input.size() <= max_size_digits + max_extension_bytes - extension_bytes_ + 1;
        return may_end ? state::reading : state::malformed;
    }
    std::string_view line = input.substr(0, line_feed);
    // A bare LF is refused: another server may read it as text, and see the end of the request elsewhere (request
    // smuggling).
    if (!line.ends_with('\r')) {
        return state::malformed;
    }
    line.remove_suffix(1);

    std::size_t size = 0;
    // Base 16 without a prefix and without a sign, as from_chars reads an unsigned number.
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    const auto digits = static_cast<std::size_t>(end - line.data());
    const std::string_view extension = line.substr(digits);
    // Over all chunks: a million chunks with one byte of data each could carry a gigabyte of extensions.
    extension_bytes_ += extension.size();
    if (error != std::errc() || digits > max_size_digits || !is_extension(extension)
        || extension_bytes_ > max_extension_bytes) {
        return state::malformed;
    }
    // Refused before the data is read.
    if (size > max_body_bytes_ - std::min(body_size, max_body_bytes_)) {
        return state::too_large;
    }
    input.remove_prefix(line_feed + 1);
    data_left_ = size;
    next_ = size == 0 ? part::end_of_body : part::data;
    return state::complete;
}

chunk_decoder::state chunk_decoder::read_line_end(std::string_view& input) {
    constexpr std::string_view line_end = "\r\n";
    // Also after one byte, so that a wrong one is not waited on.
    const std::string_view given = input.substr(0, line_end.size());
    if (!line_end.starts_with(given)) {
        return state::malformed;
    }
    if (given.size() < line_end.size()) {
        return state::reading;
    }
    input.remove_prefix(line_end.size());
    return state::complete;
}

} // namespace kallglot
