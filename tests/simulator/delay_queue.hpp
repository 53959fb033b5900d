// Connections that wait for a delay: one heap and one timer for all of them.

#ifndef KALLGLOT_SIMULATOR_DELAY_QUEUE_HPP
#define KALLGLOT_SIMULATOR_DELAY_QUEUE_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

namespace kallglot::simulator {

/// Slots of connections in the order of their wake-up times. Has no timer itself.
class delay_queue {
public:
    using moment = std::chrono::steady_clock::time_point;

    /// `generation` distinguishes later users of the same slot.
    struct entry {
        moment due;
        std::uint32_t slot;
        std::uint32_t generation;
    };

    void add(const entry& added) { entries_.push(added); }

    /// The earliest moment in the queue.
    [[nodiscard]] std::optional<moment> next() const {
        return entries_.empty() ? std::nullopt : std::optional(entries_.top().due);
    }

    /// Removes and returns one entry that is due at `now`, the earliest first.
    [[nodiscard]] std::optional<entry> take_due(moment now) {
        if (entries_.empty() || entries_.top().due > now) {
            return std::nullopt;
        }
        const entry taken = entries_.top();
        entries_.pop();
        return taken;
    }

private:
    struct later {
        bool operator()(const entry& a, const entry& b) const { return a.due > b.due; }
    };

    std::priority_queue<entry, std::vector<entry>, later> entries_;
};

} // namespace kallglot::simulator

#endif
