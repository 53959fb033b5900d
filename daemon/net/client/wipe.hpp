/// Wipes texts that are used again: responses contain live stream tokens and phone numbers.

#ifndef KALLGLOT_NET_CLIENT_WIPE_HPP
#define KALLGLOT_NET_CLIENT_WIPE_HPP

#include <cstddef>
#include <cstring>
#include <string>

namespace kallglot {

/// Empties the text, and returns its memory if it needed more than most responses do.
inline void wipe(std::string& text) {
    constexpr std::size_t max_idle_capacity = 4 * 1024;
    ::explicit_bzero(text.data(), text.size());
    text.clear();
    if (text.capacity() > max_idle_capacity) {
        text.shrink_to_fit();
    }
}

} // namespace kallglot

#endif
