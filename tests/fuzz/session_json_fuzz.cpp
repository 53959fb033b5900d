// Bodies of the API: the session parser and the parser of error bodies, split where the first byte says.

#include "kallglot/core/api_error_parser.hpp"
#include "kallglot/core/session_parser.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    static session_parser parser;
    static const session_id id = session_id::parse("sess_01JQ7N0C5VXB3HEZ").value();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t split = size == 0 ? 0 : std::min<std::size_t>(data[0], size);
    parser.start(id);
    parser.write(text.substr(0, split));
    parser.write(text.substr(split));
    static_cast<void>(parser.finish());
    static_cast<void>(parse_api_error(text));
    return 0;
}
