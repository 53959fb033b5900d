// A file of session ids, split where the first byte says.

#include "kallglot/core/session_list.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::size_t taken = size == 0 ? 0 : std::min<std::size_t>(data[0], size);
    session_list_parser parser;
    std::vector<session_id> ids;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t used =
            parser.write(rest.substr(0, std::max<std::size_t>(taken, 1)), ids, 16);
        rest.remove_prefix(used);
        ids.clear();
        taken = rest.size();
    }
    parser.finish(ids);
    static_cast<void>(parser.take_report());
    return 0;
}
