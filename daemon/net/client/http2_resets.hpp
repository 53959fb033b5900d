/// The streams of an HTTP/2 connection that the client reset: their places and the late frames for them. Pure.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_RESETS_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_RESETS_HPP

#include "kallglot/base/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace kallglot {

/// Loop only.
class http2_resets {
public:
    /// A stream was reset. Its place stays taken until `kept_until`: the server still works on it for a while, and may
    /// still send frames for it.
    void note(std::int32_t id, steady_time now, steady_time kept_until) {
        while (!kept_until_.empty() && kept_until_.front() <= now) {
            kept_until_.pop_front();
        }
        kept_until_.push_back(kept_until);
        ids_.push_back(id);
        if (ids_.size() > max_ids) {
            ids_.pop_front();
        }
    }

    /// Whether the stream was one of the last thousand that were reset.
    [[nodiscard]] bool contains(std::int32_t id) const noexcept {
        return std::ranges::find(ids_, id) != ids_.end();
    }

    /// How many places are taken by reset streams.
    [[nodiscard]] std::size_t kept_places(steady_time now) const noexcept {
        const auto first = std::ranges::upper_bound(kept_until_, now);
        return static_cast<std::size_t>(kept_until_.end() - first);
    }

private:
    // Frames of streams that were reset before these end the connection.
    static constexpr std::size_t max_ids = 1024;

    std::deque<steady_time> kept_until_;
    std::deque<std::int32_t> ids_;
};

} // namespace kallglot

#endif
