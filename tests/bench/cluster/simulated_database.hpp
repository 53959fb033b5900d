/// Model of the database of a cluster: tables, transactions that are atomic, and failovers that lose the last of them.
///
/// Each function is one transaction of the engine, in the order in which the database commits them.

#ifndef KALLGLOT_TESTS_BENCH_CLUSTER_SIMULATED_DATABASE_HPP
#define KALLGLOT_TESTS_BENCH_CLUSTER_SIMULATED_DATABASE_HPP

#include "bench/cluster/protocol_mutant.hpp"
#include "bench/policy/random_source.hpp"
#include "cluster/cluster_member.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <vector>

namespace kallglot::cluster_simulation {

/// Sessions have the ids 0 to 63; the shard of a session is its id modulo the shards.
inline constexpr std::size_t session_count = 64;
using session_set = std::bitset<session_count>;

struct inbox_row {
    std::int64_t number = 0;
    std::uint8_t session = 0;
};

struct tables {
    std::vector<replica_row> replicas;
    std::vector<shard_row> shards;
    account_row account;
    session_set sessions;
    std::vector<inbox_row> inbox;
};

class simulated_database {
public:
    simulated_database(std::uint16_t shards, bool synchronous_standby, protocol_mutant mutant);

    // The membership connection
    /// Whether it takes the place of a process that had lived for a while.
    bool run(const join_statement& statement);
    [[nodiscard]] bool run(const beat_statement& statement);
    void run(const takeover_statement& statement);
    void run(const release_statement& statement);
    void run(const leave_statement& statement);
    void look(cluster_view& view) const;

    // The others
    void register_sessions(const session_set& sessions, bool with_inbox);
    /// Deletes inbox rows of a shard. False: the fence refuses it.
    [[nodiscard]] bool write(incarnation self,
                             released_shard token,
                             std::span<const inbox_row> applied);

    // Faults
    /// The server restarts: commits that waited for no disk may be lost.
    void restart(policy::random_source& random);
    /// A standby becomes the primary: what it had not received is lost.
    void fail_over(policy::random_source& random);

    /// 0 without a row.
    [[nodiscard]] std::int64_t beat_of(incarnation id) noexcept;

    [[nodiscard]] const tables& now() const noexcept { return now_; }

    [[nodiscard]] shard_number shard_of(std::size_t session) const noexcept {
        return static_cast<shard_number>(session % now_.shards.size());
    }

    /// Counts failovers that lost a change of shards, replicas or shares, and restarts that lost one of the first two.
    [[nodiscard]] std::uint32_t lossy_count() const noexcept { return lossy_count_; }

    /// Counts servers: what is on the way to an older one is lost.
    [[nodiscard]] std::uint32_t life() const noexcept { return life_; }

private:
    enum class durability { asynchronous, local, synchronous };
    static constexpr std::size_t max_lost = 24;

    void begin(durability level);
    void take(const account_report& report);
    void lose(std::size_t count, bool with_shares);
    [[nodiscard]] bool is_same(const tables& then, bool with_shares) const;
    [[nodiscard]] replica_row* find(incarnation id) noexcept;
    [[nodiscard]] bool is_orphan(const shard_row& row) noexcept;

    tables now_;
    std::array<tables, max_lost> before_; ///< the states before the last commits, a ring
    std::size_t commits_ = 0;
    std::size_t losable_ = 0;      ///< of the last commits: not yet at the standby for sure
    std::size_t asynchronous_ = 0; ///< of the last commits: not yet on the disk for sure
    std::int64_t inbox_number_ = 0;
    database_generation generation_{1, 1};
    std::uint32_t life_ = 1;
    std::uint32_t lossy_count_ = 0;
    bool synchronous_standby_;
    protocol_mutant mutant_;
};

} // namespace kallglot::cluster_simulation

#endif
