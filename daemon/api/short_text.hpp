/// Buffer for a short JSON string that arrives in parts.

#ifndef KALLGLOT_API_SHORT_TEXT_HPP
#define KALLGLOT_API_SHORT_TEXT_HPP

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace kallglot {

/// Joins the parts of one JSON string, if it is short.
///
/// No text that the parsers compare with is longer than a session id. So a longer text is recognised by its length and
/// never stored. A text that arrives in one part is not copied. A result is valid until the next call.
class short_text {
public:
    static constexpr std::size_t max_size = 64;

    /// Takes a part that is not the last one.
    void append(std::string_view part) noexcept {
        if (part.size() > max_size - size_) {
            // Too long: finish() finds that by the total length.
            return;
        }
        // An empty part may be a null pointer, which memcpy must not get.
        if (!part.empty()) {
            std::memcpy(bytes_.data() + size_, part.data(), part.size());
            size_ += part.size();
        }
    }

    /// The whole text; empty if it is too long. `last` is its last part, `total` its length. May point into `last`.
    /// Call `wipe` after use.
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

    /// Clears the text and overwrites its bytes.
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
