/// Readers of responses that are not in use, for the next responses.
///
/// Most responses arrive in one piece, so few readers are in use at a time, however many connections there are.

#ifndef KALLGLOT_NET_CLIENT_READER_STOCK_HPP
#define KALLGLOT_NET_CLIENT_READER_STOCK_HPP

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace kallglot {

/// Loop only.
template <class Reader>
class reader_stock {
public:
    /// A reader for a response that begins; the most recently used one, which is still in the cache.
    [[nodiscard]] std::unique_ptr<Reader> borrow() {
        if (idle_.empty()) {
            return std::make_unique<Reader>();
        }
        std::unique_ptr<Reader> reader = std::move(idle_.back());
        idle_.pop_back();
        return reader;
    }

    /// Wipes the reader, because it may wait a long time for its next response.
    void give_back(std::unique_ptr<Reader> reader) {
        reader->forget();
        if (idle_.size() < max_idle) {
            idle_.push_back(std::move(reader));
        }
    }

private:
    static constexpr std::size_t max_idle = 64;

    std::vector<std::unique_ptr<Reader>> idle_;
};

} // namespace kallglot

#endif
