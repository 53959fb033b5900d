/// Storage of id texts: four size classes of 16 to 64 bytes, in chunks that never move.
///
/// A million ids of 31 characters cost 32 bytes each, not 64 and not a heap node. The pool knows only bytes; the
/// registry knows which id belongs to which session.

#ifndef KALLGLOT_TRACKING_ID_POOL_HPP
#define KALLGLOT_TRACKING_ID_POOL_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace kallglot {

/// Loop only.
class id_pool {
public:
    /// Stores a copy of `text` (1 to 64 bytes) and returns its place. The caller remembers the size.
    [[nodiscard]] std::uint32_t put(std::string_view text);

    /// The text at a place. Valid until it is released.
    [[nodiscard]] std::string_view get(std::uint32_t place, std::size_t size) const noexcept;

    /// Frees the place.
    void release(std::uint32_t place, std::size_t size) noexcept;

private:
    static constexpr std::uint32_t none = 0xFFFF'FFFF;
    static constexpr std::size_t granule = 16;
    static constexpr std::uint32_t chunk_bits = 12;
    static constexpr std::uint32_t chunk_size = 1U << chunk_bits;

    struct size_class {
        std::vector<std::unique_ptr<char[]>> chunks;
        std::uint32_t used = 0;
        std::uint32_t first_free =
            none; ///< head of the free list, linked by the first four bytes of each
    };

    [[nodiscard]] static std::size_t class_of(std::size_t size) noexcept {
        return (size - 1) / granule;
    }

    [[nodiscard]] char* address(std::size_t which, std::uint32_t place) const noexcept {
        return classes_[which].chunks[place >> chunk_bits].get()
               + (place & (chunk_size - 1)) * (which + 1) * granule;
    }

    std::array<size_class, 4> classes_;
};

} // namespace kallglot

#endif
