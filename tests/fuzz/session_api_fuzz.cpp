// Requests of clients of the session API: the input as the body of a bulk call, and as a query.

#include "web/session_json.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    constexpr std::size_t most = 100;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bulk = parse_bulk(text, most)) {
        if (bulk->ids.size() + bulk->rejected.size() > most) {
            std::abort();
        }
        for (const rejected_id& one : bulk->rejected) {
            if (one.id.size() > 128 || session_id::parse(one.id)) {
                std::abort();
            }
        }
        static_cast<void>(make_bulk_answer(bulk->ids.size(), 0, bulk->rejected));
    }
    static_cast<void>(parse_query(text, most));
    return 0;
}
