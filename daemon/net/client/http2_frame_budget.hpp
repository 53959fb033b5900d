/// How many frames that carry no answer an HTTP/2 server may send. Pure.
///
/// Such a frame costs one point, and so do 64 bytes of frames that nghttp2 ignores without a word. An answer earns ten
/// points back. So a server may send far more of them than any known server does, but not without end.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_FRAME_BUDGET_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_FRAME_BUDGET_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace kallglot {

/// Loop only.
class http2_frame_budget {
public:
    static constexpr std::size_t max_points = 1000;

    /// Bytes that came.
    void receive(std::size_t bytes) noexcept { received_ += bytes; }

    /// Bytes that a frame of a known type accounts for, or that a reset stream may still have.
    void announce(std::size_t bytes) noexcept { announced_ += bytes; }

    void charge(std::size_t points) noexcept { points_ += points; }

    /// The points for bytes that nothing has accounted for since the last call.
    [[nodiscard]] std::size_t take_unannounced_points() noexcept {
        const std::size_t points =
            received_ > announced_ ? (received_ - announced_) / bytes_per_point : 0;
        announced_ += points * bytes_per_point;
        return points;
    }

    void earn_answer() noexcept { points_ -= std::min(points_, points_per_answer); }

    [[nodiscard]] bool spent() const noexcept { return points_ > max_points; }

    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

private:
    static constexpr std::size_t points_per_answer = 10;
    static constexpr std::size_t bytes_per_point = 64;

    std::size_t points_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t announced_ = 0;
};

} // namespace kallglot

#endif
