#include "net/client/connection_scratch.hpp"

#include <utility>

namespace kallglot {

namespace {

// Most responses arrive in one piece, so few readers are in use at a time.
constexpr std::size_t max_idle_readers = 64;

} // namespace

// A stack, so that the same few readers are used again and again.
std::unique_ptr<response_reader> connection_scratch::borrow_reader() {
    if (readers_.empty()) {
        return std::make_unique<response_reader>();
    }
    std::unique_ptr<response_reader> reader = std::move(readers_.back());
    readers_.pop_back();
    return reader;
}

void connection_scratch::give_back(std::unique_ptr<response_reader> reader) noexcept {
    // Wiped now, because the reader may wait a long time for its next response.
    reader->forget();
    if (readers_.size() < max_idle_readers) {
        readers_.push_back(std::move(reader));
    }
}

} // namespace kallglot
