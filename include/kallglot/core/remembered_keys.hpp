/// What must not come back: ids forgotten as ended or not found, and events that were already applied, for 72 hours.
///
/// A late event or an unchanged file does not revive such an id. Keys of 64 bits stand for the texts, since nothing is
/// ever read back but "was it there", and millions of texts would cost memory and disk. Knows nothing of storage.

#ifndef KALLGLOT_CORE_REMEMBERED_KEYS_HPP
#define KALLGLOT_CORE_REMEMBERED_KEYS_HPP

#include "kallglot/core/time.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace kallglot {

enum class remembered_kind : std::uint8_t { ended, not_found, event };
inline constexpr std::size_t remembered_kind_count = 3;

/// Stands for the text on disk, so this function never changes.
[[nodiscard]] std::uint64_t remembered_key(std::string_view text) noexcept;

struct remembered_entry {
    std::uint64_t key = 0;
    steady_time at{};
    remembered_kind kind = remembered_kind::ended;

    [[nodiscard]] bool operator==(const remembered_entry&) const = default;
};

/// Loop only.
class remembered_keys {
public:
    static constexpr std::chrono::hours retention{72};

    /// False if it is there already. Entries come in the order of their times.
    bool add(const remembered_entry& entry);

    /// The operator wants it back. False if it was not there.
    bool erase(std::uint64_t key) { return keys_.erase(key) != 0; }

    [[nodiscard]] bool contains(std::uint64_t key) const { return keys_.contains(key); }

    /// Lets go of what is older than the retention.
    void purge(steady_time now);

    /// Fills `entries` with up to `limit` of them from `cursor` (0 at first) on, and moves the cursor. False: that was
    /// the end. Entries may come and go between two calls.
    bool list(std::uint64_t& cursor,
              std::size_t limit,
              std::vector<remembered_entry>& entries) const;

    [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

private:
    std::deque<remembered_entry> entries_; ///< by time
    std::uint64_t first_number_ = 0;       ///< of entries_.front(), counted from the first ever
    boost::unordered_flat_map<std::uint64_t, std::uint64_t>
        keys_; ///< number of the entry that counts
};

} // namespace kallglot

#endif
