/// Ids that left a session file, until they come back or their grace period ends.
///
/// Programs truncate files and write them again, and editors replace them. A line that is missing for a moment must not
/// make the daemon forget a session. Pure: the caller passes the time in.

#ifndef KALLGLOT_INTAKE_DEPARTED_IDS_HPP
#define KALLGLOT_INTAKE_DEPARTED_IDS_HPP

#include "intake/id_hashes.hpp"
#include "kallglot/base/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace kallglot {

/// Loop only. Cost: a look-up searches at most 30 sets, one for each second of the grace period.
class departed_ids {
public:
    /// How long an id must be missing before it is removed.
    static constexpr seconds grace{30};

    /// The id left at `now`. `now` never decreases from call to call.
    void add(std::uint64_t hash, steady_time now);

    void add_all(id_hashes ids, steady_time now);

    /// The id is back in a file. False if it had not left.
    bool erase(std::uint64_t hash);

    [[nodiscard]] bool contains(std::uint64_t hash) const;

    /// When take() next returns ids; empty if nothing left.
    [[nodiscard]] std::optional<steady_time> due() const;

    /// Removes and returns a batch of ids that have been missing for the whole grace period; empty if there is none.
    [[nodiscard]] std::optional<id_hashes> take(steady_time now);

private:
    // Ids that left within one second. They are due together, counted from the last of them.
    struct batch {
        steady_time first;
        steady_time last;
        id_hashes ids;
    };

    std::deque<batch> batches_;
};

} // namespace kallglot

#endif
