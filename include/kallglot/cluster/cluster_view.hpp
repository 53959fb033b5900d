/// What one answer of the database says of the cluster: its replicas and its shards, read in one transaction.
///
/// Knows no SQL: the engine makes these values from rows.

#ifndef KALLGLOT_CLUSTER_CLUSTER_VIEW_HPP
#define KALLGLOT_CLUSTER_CLUSTER_VIEW_HPP

#include "kallglot/base/keyed_hash.hpp"
#include "kallglot/base/time.hpp"

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kallglot {

/// One life of one replica: random, from its start, or from the moment at which it lost its place, to its end.
enum class incarnation : std::int64_t { none = 0 };

using shard_number = std::uint16_t;
inline constexpr std::size_t max_shards = 256;
using shard_set = std::bitset<max_shards>;

/// The shard of a session, by the keyed hash of its id (`key_of_session`). `shards` divides 256.
[[nodiscard]] constexpr shard_number shard_of(const text_hash& key, std::uint16_t shards) noexcept {
    return static_cast<shard_number>((key.high >> 56) * shards / max_shards);
}

/// A moment of cluster time (`cluster_time`), in milliseconds since 1970-01-01T00:00:00Z or an earlier or later start of that
/// clock.
using stored_moment = std::chrono::sys_time<milliseconds>;

/// Units: milli-requests a second.
struct request_demand {
    std::int32_t urgent = 0; ///< confirming and event polls
    std::int32_t routine = 0;

    [[nodiscard]] bool operator==(const request_demand&) const = default;
};

/// Distinguishes API keys and reveals nothing of them: 16 bits of the hash of the key, keyed by the cluster's own.
enum class key_mark : std::uint16_t {};

/// Stored by number.
enum class key_state : std::uint8_t { good, unauthorized, out_of_credits };

struct key_verdict {
    key_mark key{};
    key_state state = key_state::good;

    [[nodiscard]] bool operator==(const key_verdict&) const = default;
};

inline constexpr stored_moment no_pause{};

/// The row that each beat locks.
struct account_row {
    stored_moment paused_until = no_pause; ///< the API asked for no request before
    key_verdict verdict;                   ///< the last
    std::int64_t number = 0;               ///< raised with each verdict

    [[nodiscard]] bool operator==(const account_row&) const = default;
};

/// A replica that has beaten less often, about once a second, may end again as soon, as in a crash loop.
inline constexpr std::int64_t proven_beat = 8;

struct replica_row {
    incarnation id = incarnation::none;
    std::string node;      ///< unique
    std::int64_t beat = 0; ///< raised by its replica about once a second
    std::int32_t share_ppm =
        0; ///< of the account's budget; all rows together have at most 1,000,000
    request_demand demand;
    key_mark key{};        ///< that it uses
    bool draining = false; ///< about to stop: gives its shards away and claims none
    steady_duration
        lease{}; ///< by which it trusts its beats, 3 s to 17 s: others wait that long before they call it dead

    [[nodiscard]] bool is_proven() const noexcept { return beat >= proven_beat; }
};

/// The fencing token of a shard. Every change of owner raises the epoch. A failover of the database may forget changes, so
/// epochs alone can repeat: writes are fenced by owner and epoch together.
struct shard_row {
    incarnation owner = incarnation::none; ///< none, or one without a row: the shard is an orphan
    std::int64_t epoch = 0;

    [[nodiscard]] bool operator==(const shard_row&) const = default;
};

/// One life of one database server. When it changes, the last commits may be lost. A pooler hides this from its clients'
/// connections.
struct database_generation {
    std::uint32_t timeline = 0;
    std::int64_t started_at = 0; ///< of the server, as it says: compared, never calculated with

    [[nodiscard]] bool operator==(const database_generation&) const = default;
};

struct cluster_view {
    std::vector<replica_row> replicas; ///< in any order
    std::vector<shard_row> shards;     ///< all of them, by number
    database_generation generation;
    account_row account;

    /// Null if there is none.
    [[nodiscard]] const replica_row* find(incarnation id) const noexcept {
        for (const replica_row& row : replicas) {
            if (row.id == id) {
                return &row;
            }
        }
        return nullptr;
    }

    [[nodiscard]] const replica_row* find(const std::string& node) const noexcept {
        for (const replica_row& row : replicas) {
            if (row.node == node) {
                return &row;
            }
        }
        return nullptr;
    }
};

} // namespace kallglot

#endif
