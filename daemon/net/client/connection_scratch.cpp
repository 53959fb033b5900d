#include "net/client/connection_scratch.hpp"

#include <utility>

namespace kallglot {

namespace {

// Responses seldom come in more than one piece, so that few readers are in use at once.
constexpr std::size_t most_kept_readers = 64;

} // namespace

std::unique_ptr<response_reader> connection_scratch::borrow_reader() {
    if (readers_.empty()) {
        return std::make_unique<response_reader>();
    }
    std::unique_ptr<response_reader> reader = std::move(readers_.back());
    readers_.pop_back();
    return reader;
}

void connection_scratch::give_back(std::unique_ptr<response_reader> reader) noexcept {
    reader->forget();
    if (readers_.size() < most_kept_readers) {
        readers_.push_back(std::move(reader));
    }
}

} // namespace kallglot
