#ifndef KALLGLOT_BASE_SHORT_TEXT_HPP
#define KALLGLOT_BASE_SHORT_TEXT_HPP

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace kallglot {

/// Puts together the text of one JSON string that may arrive in parts, if it is short.
///
/// Nothing that we compare with is longer than a session id, so a longer text is told apart by its
/// length and never kept. A text that arrives in one piece is not copied. Neither a string class nor
/// a store: what it gives is valid until the next call.
class short_text {
public:
    static constexpr std::size_t max_size = 64;

    /// Takes a part that is not the last one.
    void append(std::string_view part) noexcept {
        if (part.size() > max_size - size_) {
            // The length that the parser counts tells `finish` that the text is too long.
            return;
        }
        // The condition is for memcpy, which must not see the null of an empty part.
        if (!part.empty()) {
            std::memcpy(bytes_.data() + size_, part.data(), part.size());
            size_ += part.size();
        }
    }

    /// The whole text, of which `last` is the last part and `total` the length; empty if it is too
    /// long. May point into `last`. Call `wipe` after use.
    [[nodiscard]] std::string_view finish(std::string_view last, std::size_t total) noexcept {
        if (total > max_size) {
            return {};
        }
        if (size_ == 0) {
            return last;
        }
        append(last);
        return {bytes_.data(), size_};
    }

    /// Forgets the text and overwrites what was kept of it.
    void wipe() noexcept {
        if (size_ != 0) {
            std::memset(bytes_.data(), 0, size_);
            size_ = 0;
        }
    }

private:
    std::array<char, max_size> bytes_{};
    std::size_t size_ = 0;
};

} // namespace kallglot

#endif
