#ifndef KALLGLOT_TRACKING_SESSION_ID_HPP
#define KALLGLOT_TRACKING_SESSION_ID_HPP

#include "kallglot/base/error.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kallglot {

/// A checked session id: 1 to 64 characters of [A-Za-z0-9_-].
///
/// Request paths, the store and log lines take ids in this type only, so none of them has to escape the text. A value
/// without heap memory: 65 bytes, trivially copyable.
class session_id {
public:
    static constexpr std::size_t max_size = 64;

    /// Errors: errc::invalid_session_id if the text is empty, too long or has another character.
    [[nodiscard]] static result<session_id> parse(std::string_view text) noexcept;

    /// A view into this object: valid as long as it is neither moved nor destroyed.
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

    friend bool operator==(const session_id& a, const session_id& b) noexcept {
        return a.view() == b.view();
    }

    friend std::strong_ordering operator<=>(const session_id& a, const session_id& b) noexcept {
        return a.view() <=> b.view();
    }

private:
    session_id() noexcept = default;

    std::array<char, max_size> text_;
    std::uint8_t size_ = 0;
};

/// Distributes ids evenly over 64 bits. Stable within one process, not across versions.
[[nodiscard]] std::uint64_t hash_of(std::string_view id) noexcept;

/// Index of a record in the session table. Valid from session_registry::add until the slot is released.
enum class session_slot : std::uint32_t {};

inline constexpr session_slot no_slot{0xFFFF'FFFF};

[[nodiscard]] constexpr std::uint32_t index_of(session_slot slot) noexcept {
    return static_cast<std::uint32_t>(slot);
}

} // namespace kallglot

#endif
