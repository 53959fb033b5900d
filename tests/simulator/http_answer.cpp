#include "simulator/http_answer.hpp"

#include "simulator/session_life.hpp"

#include <algorithm>

namespace kallglot::simulator {

std::size_t cut_length(const http_answer& answer) {
    const std::size_t most = std::max<std::size_t>(answer.body.size(), 2) - 1;
    return std::min(answer.body.size(),
                    1 + static_cast<std::size_t>(scatter(answer.number) % most));
}

std::uint64_t stated_length(const http_answer& answer) {
    switch (answer.wire) {
        case fault::huge:
            return huge_body_bytes;
        case fault::shorter_body:
            return answer.body.size() + length_error;
        case fault::longer_body:
            return answer.body.size() - std::min(answer.body.size(), length_error);
        default:
            return answer.body.size();
    }
}

} // namespace kallglot::simulator
