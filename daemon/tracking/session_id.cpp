#include "kallglot/tracking/session_id.hpp"

#include <algorithm>
#include <functional>

namespace kallglot {
namespace {

// Written out, because the functions of <cctype> depend on the locale.
constexpr bool is_id_character(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
}

} // namespace

result<session_id> session_id::parse(std::string_view text) noexcept {
    // The whole text must match: a valid beginning is not enough.
    if (text.empty() || text.size() > max_size || !std::ranges::all_of(text, is_id_character)) {
        return errc::invalid_session_id;
    }
    session_id id;
    // Clear the rest too: copies are of all 64 bytes, and none of them may come from other memory.
    id.text_.fill('\0');
    std::ranges::copy(text, id.text_.begin());
    id.size_ = static_cast<std::uint8_t>(text.size());
    return id;
}

std::uint64_t hash_of(std::string_view id) noexcept {
    // libstdc++ uses murmur over all bytes. Its upper bits are uneven for ids that differ only in their last
    // characters. Two rounds of multiplication distribute them evenly.
    std::uint64_t hash = std::hash<std::string_view>{}(id);
    hash = (hash ^ (hash >> 32)) * 0xE984'6AF9'B1A6'15DULL;
    hash = (hash ^ (hash >> 32)) * 0xE984'6AF9'B1A6'15DULL;
    return hash ^ (hash >> 28);
}

} // namespace kallglot
