#include "kallglot/tracking/session_id.hpp"

#include "kallglot/base/keyed_hash.hpp"

#include <algorithm>

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
    // One key for the life of the process: ids and hashes pass from one table to another.
    static const hash_key key = random_hash_key();
    return table_hash(key, id);
}

} // namespace kallglot
