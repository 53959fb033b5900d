/// Ids that stand in no file any more, for the time in which they may come back.
///
/// It exists because files are truncated and written anew, and editors replace them: a line that is missing for a
/// moment must not make the daemon forget a session. Pure: the time is passed in.

#ifndef KALLGLOT_INTAKE_DEPARTED_IDS_HPP
#define KALLGLOT_INTAKE_DEPARTED_IDS_HPP

#include "intake/id_hashes.hpp"
#include "kallglot/base/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace kallglot {

/// Loop only. Cost: what is looked up is looked for in at most 30 sets, as many as the grace has seconds.
class departed_ids {
public:
    /// How long an id has to be missing.
    static constexpr seconds grace{30};

    /// The id left at `now`, which never runs backwards.
    void add(std::uint64_t hash, steady_time now);

    void add_all(id_hashes ids, steady_time now);

    /// The id is back. False if it was not here.
    bool erase(std::uint64_t hash);

    [[nodiscard]] bool contains(std::uint64_t hash) const;

    /// When take() has something next.
    [[nodiscard]] std::optional<steady_time> due() const;

    /// Ids that have been missing for all of the grace; nothing if there are none.
    [[nodiscard]] std::optional<id_hashes> take(steady_time now);

private:
    // The ids of one second leave together, counted from the last of them.
    struct batch {
        steady_time first;
        steady_time last;
        id_hashes ids;
    };

    std::deque<batch> batches_;
};

} // namespace kallglot

#endif
