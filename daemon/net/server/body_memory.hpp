/// Bounds the memory for the request bodies of a listener, of all connections together.
///
/// A small body is always accepted, so that large ones cannot shut it out. So all bodies together take at most the budget and
/// the small share of each connection.

#ifndef KALLGLOT_NET_SERVER_BODY_MEMORY_HPP
#define KALLGLOT_NET_SERVER_BODY_MEMORY_HPP

#include <algorithm>
#include <cstddef>

namespace kallglot {

/// Loop only.
class body_memory {
public:
    static constexpr std::size_t budget_bytes = std::size_t{8} * 1024 * 1024;
    /// What a usual delivery or request fits into.
    static constexpr std::size_t min_share_bytes = std::size_t{4} * 1024;

    /// The body of one connection.
    class part {
    public:
        explicit part(body_memory& whole) noexcept : whole_(&whole) {}

        part(const part&) = delete;
        part& operator=(const part&) = delete;

        ~part() { hold(0); }

        /// The body has this size now.
        void hold(std::size_t bytes) noexcept {
            whole_->held_bytes_ += bytes - size_;
            size_ = bytes;
        }

        /// Whether the body may have its present size. `max_connections` is the limit of the listener.
        [[nodiscard]] bool fits(std::size_t max_connections) const noexcept {
            return whole_->allows(size_, max_connections);
        }

    private:
        body_memory* whole_;
        std::size_t size_ = 0;
    };

    /// While memory is short no body may exceed the smallest share.
    void hold_off(bool is_short) noexcept { is_short_ = is_short; }

    [[nodiscard]] bool is_short() const noexcept { return is_short_; }

    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

private:
    [[nodiscard]] bool allows(std::size_t own, std::size_t max_connections) const noexcept {
        if (is_short_) {
            return own <= min_share_bytes;
        }
        const std::size_t share = budget_bytes / std::max(max_connections, std::size_t{1});
        return held_bytes_ <= budget_bytes || own <= std::max(share, min_share_bytes);
    }

    std::size_t held_bytes_ = 0;
    bool is_short_ = false;
};

} // namespace kallglot

#endif
