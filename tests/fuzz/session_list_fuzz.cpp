// Session files, at once and split at a position from their hash: the ids and the invalid lines must be equal.

#include "intake/session_list.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

namespace {

using namespace kallglot;

struct reading {
    std::vector<session_id> ids;
    bad_line_report report;
};

reading read(std::string_view rest, std::size_t first) {
    session_list_parser parser;
    reading done;
    std::vector<session_id> some;
    while (!rest.empty()) {
        const std::size_t used =
            parser.write(rest.substr(0, std::max<std::size_t>(first, 1)), some, 16);
        rest.remove_prefix(used);
        done.ids.insert(done.ids.end(), some.begin(), some.end());
        some.clear();
        first = rest.size();
    }
    parser.finish(done.ids);
    done.report = parser.take_report();
    return done;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const reading whole = read(text, size);
    const reading pieces = read(text, std::hash<std::string_view>()(text) % (size + 1));
    const bool alike = whole.ids == pieces.ids && whole.report.count == pieces.report.count
                       && whole.report.digest == pieces.report.digest
                       && whole.report.first == pieces.report.first;
    const auto valid = [&](const session_id& id) {
        return session_id::parse(id.view()) && text.find(id.view()) != std::string_view::npos;
    };
    if (!alike || !std::ranges::all_of(whole.ids, valid)) {
        std::abort();
    }
    return 0;
}
