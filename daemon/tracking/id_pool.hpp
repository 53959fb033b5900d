/// Keeps the texts of ids: four size classes of 16 to 64 bytes, in chunks that never move.
///
/// A million ids of 31 characters cost 32 bytes each, not 64 and not a heap node. Knows only bytes; which id
/// belongs to which session is the registry's business.

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
    /// Keeps a copy of `text` (1 to 64 bytes) and names its place; the size is the caller's to remember.
    [[nodiscard]] std::uint32_t put(std::string_view text);

    /// The text at a place. Valid until it is released.
    [[nodiscard]] std::string_view get(std::uint32_t place, std::size_t size) const noexcept;

    /// Gives the place back.
    void release(std::uint32_t place, std::size_t size) noexcept;

private:
    static constexpr std::uint32_t none = 0xFFFF'FFFF;
    static constexpr std::size_t granule = 16;
    static constexpr std::uint32_t chunk_bits = 12;
    static constexpr std::uint32_t chunk_size = 1U << chunk_bits;

    struct size_class {
        std::vector<std::unique_ptr<char[]>> chunks;
        std::uint32_t used = 0;
        std::uint32_t first_free = none; ///< free places are chained through their first four bytes
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
