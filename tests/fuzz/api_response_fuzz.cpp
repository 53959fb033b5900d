// What a connection to the API delivers, split where the first byte says.

#include "kallglot/net/response_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    static response_reader reader;
    static const session_id id = session_id::parse("sess_01JQ7N0C5VXB3HEZ").value();
    const std::span<const char> bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t split = size == 0 ? 0 : std::min<std::size_t>(data[0], size);
    reader.start(id, 64 * 1024);
    if (reader.feed(bytes.first(split)) == response_reader::progress::more) {
        static_cast<void>(reader.feed(bytes.subspan(split)));
    }
    reader.forget();
    return 0;
}
