/// Ids that left a session file, until they come back or their grace period ends.
///
/// Programs truncate files and write them again, and editors replace them. A line that is missing for a moment must not
/// make the daemon forget a session. A file that loses all ids at once is more often a mistake than an intention, so they
/// get more time. Pure: the caller passes the time in.

#ifndef KALLGLOT_INTAKE_DEPARTED_IDS_HPP
#define KALLGLOT_INTAKE_DEPARTED_IDS_HPP

#include "intake/id_hashes.hpp"
#include "kallglot/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace kallglot {

/// Ids whose grace period is over.
struct departed_batch {
    id_hashes ids;
    std::string file; ///< that lost all its ids at once; empty for single lines
};

/// Loop only. Cost: a look-up searches at most 30 sets, one for each thirtieth of the grace period, and one for each file.
class departed_ids {
public:
    /// How long a single id must be missing before it is removed, and how long all ids of a file.
    static constexpr seconds line_grace{30};
    static constexpr std::chrono::minutes file_grace{10};

    explicit departed_ids(steady_duration grace = line_grace) : grace_(grace) {}

    /// The id left at `now`. `now` never decreases from call to call.
    void add(std::uint64_t hash, steady_time now);

    /// With `file` they are a batch of their own.
    void add_all(id_hashes ids, steady_time now, const std::string& file = {});

    /// The id is back in a file. False if it had not left.
    bool erase(std::uint64_t hash);

    [[nodiscard]] bool contains(std::uint64_t hash) const;

    /// When take() next returns ids; empty if nothing left.
    [[nodiscard]] std::optional<steady_time> due() const;

    /// Removes and returns a batch of ids that have been missing for the whole grace period; empty if there is none.
    [[nodiscard]] std::optional<departed_batch> take(steady_time now);

private:
    // Ids that left within a thirtieth of the grace period. They are due together, counted from the last of them.
    struct batch {
        steady_time first;
        steady_time last;
        id_hashes ids;
        std::string file;
    };

    steady_duration grace_;
    std::deque<batch> batches_;
};

/// What left the session files.
struct departures {
    departed_ids lines{departed_ids::line_grace};
    departed_ids files{departed_ids::file_grace}; ///< of files that lost all ids at once

    bool erase(std::uint64_t hash) {
        const bool was_line = lines.erase(hash);
        return files.erase(hash) || was_line;
    }

    [[nodiscard]] bool contains(std::uint64_t hash) const {
        return lines.contains(hash) || files.contains(hash);
    }
};

} // namespace kallglot

#endif
