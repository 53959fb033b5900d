/// Deterministic simulation of a cluster: the daemon's decisions, one to eight times, over a model of database and network.
///
/// Everything that happens comes from one seed: packets that are late or lost, processes that are killed or stopped,
/// machines that are paused, clocks that run at different rates, databases that fail over and forget. After each event the
/// promises are checked for the moment, by the time of the world that no replica knows.

#ifndef KALLGLOT_TESTS_BENCH_CLUSTER_SIMULATED_CLUSTER_HPP
#define KALLGLOT_TESTS_BENCH_CLUSTER_SIMULATED_CLUSTER_HPP

#include "bench/cluster/fault_plan.hpp"
#include "bench/cluster/simulated_replica.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace kallglot::cluster_simulation {

/// A broken promise.
struct violation {
    std::string promise;
    world_time at{};
    std::string detail;
};

struct tally {
    std::uint64_t beats = 0;     ///< answered
    std::uint64_t takeovers = 0; ///< replicas deleted
    std::uint64_t releases = 0;  ///< shards
    std::uint64_t fenced = 0;    ///< replicas that noticed that they were deleted
    std::uint64_t lossy = 0;     ///< failovers that lost a change of replicas or shards
    std::uint64_t refused = 0;   ///< writes
    std::uint64_t sessions = 0;  ///< acknowledged
};

/// One schedule. Not copied or moved.
class simulated_cluster {
public:
    explicit simulated_cluster(std::uint64_t seed, protocol_mutant mutant = protocol_mutant::none);

    /// Runs to the end, or to the first broken promise.
    [[nodiscard]] std::optional<violation> run();

    [[nodiscard]] const tally& counts() const noexcept { return counts_; }

    /// Prints every event: to look at one seed.
    void trace() noexcept { traced_ = true; }

private:
    enum class event_kind : std::uint8_t {
        planned,      // a fault of the plan, by number
        start,        // of a process
        wake,         // of a replica: time has passed
        connect,      // an attempt begins
        connect_done, // it ends
        arrival,      // of a message at the database
        answer,       // of a message at its replica
        deadline,     // of a statement
        lost,         // a connection
        resume,       // of a halted process
        quiet,        // nothing is in flight for leaving shards
        database_up,
        check,
    };

    struct event {
        world_time at{};
        std::uint32_t order = 0;
        std::uint32_t number = 0; ///< of the fault, message, statement or connection
        std::uint32_t process = 0;
        event_kind kind = event_kind::planned;
        std::uint8_t replica = 0;

        [[nodiscard]] bool operator<(const event& other) const noexcept {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    enum class message_kind : std::uint8_t { statement, registration, restore, read_inbox, write };

    /// A request, and then its answer.
    struct message {
        message_kind kind = message_kind::statement;
        std::uint8_t replica = 0;
        std::uint32_t process = 0;
        std::uint32_t statement = 0;
        std::uint32_t server = 0;
        incarnation self = incarnation::none;
        cluster_statement request;
        session_set sessions;
        bool with_inbox = true;
        std::vector<released_shard> tokens;
        std::vector<inbox_row> inbox;
        // answer
        cluster_view view;
        bool raised = false;
        std::uint32_t lossy_seen = 0;
    };

    // Events
    void push(world_time at, event_kind kind, std::uint8_t replica, std::uint32_t number);
    void handle(const event& what);
    void handle_at_replica(const event& what);
    void handle_in_process(const event& what);
    void start(std::uint8_t r);
    void enter(std::uint8_t r);
    void resume(std::uint8_t r);
    void end_process(std::uint8_t r, steady_duration pause);
    void begin_fault(const planned_fault& planned);
    void begin_replica_fault(const planned_fault& planned);
    void begin_way_fault(simulated_replica& replica, const planned_fault& planned);
    void halt(std::uint8_t r, const planned_fault& planned);
    void end_database(const planned_fault& planned);

    // Membership
    void pump(std::uint8_t r);
    [[nodiscard]] std::optional<cluster_statement> mutated_takeover(
        const simulated_replica& replica,
        steady_time local) const;
    void send_statement(std::uint8_t r, cluster_statement statement);
    void connect(std::uint8_t r);
    void finish_connect(std::uint8_t r, bool works);
    void fail_connection(std::uint8_t r);
    void end_late_statement(std::uint8_t r);
    void run_statement(message& what);
    void take_answer(std::uint8_t r, message& what);
    void take_view(std::uint8_t r, message& what);
    void notify_others(std::uint8_t r);
    void trace_view(const simulated_replica& replica) const;

    // Sessions
    void register_session(std::size_t session);
    void send_write(std::uint8_t r, released_shard token, std::span<const inbox_row> applied);
    void offer_again(std::uint8_t r);
    void do_session_work(std::uint8_t r, const shard_changes& changes);
    void ask(message_kind kind, std::uint8_t r, const shard_set& shards);
    void run_session_message(message& what);
    void take_session_answer(std::uint8_t r, message& what);
    [[nodiscard]] session_set sessions_of(const shard_set& shards) const;
    [[nodiscard]] std::vector<released_shard> tokens_of(const simulated_replica& replica,
                                                        const shard_set& shards) const;
    void forgive_lost_sessions();

    // Network
    [[nodiscard]] std::uint32_t new_message(message_kind kind, std::uint8_t r);
    void send(std::uint32_t number);
    void answer(std::uint32_t number);
    [[nodiscard]] steady_duration delay(simulated_replica& replica);
    [[nodiscard]] bool is_clear(const simulated_replica& replica) const;

    // Promises
    void check_leases(std::uint8_t r);
    void check_replica(std::uint8_t r);
    void note_sessions(const simulated_replica& replica);
    void check_balance();
    void check_shares();
    void check_all();
    void check_coverage();
    void check_end();
    void break_promise(const char* promise, std::string detail);
    [[nodiscard]] cluster_member::lease_state lease_of(const simulated_replica& replica) const;
    [[nodiscard]] bool holds_lease(const simulated_replica& replica) const;

    policy::random_source random_;
    fault_plan plan_;
    protocol_mutant mutant_;
    simulated_database database_;
    std::array<simulated_replica, 8> replicas_;
    std::priority_queue<event> events_;
    std::deque<message> messages_;
    std::vector<std::uint32_t> free_messages_;
    std::uint32_t order_ = 0;
    std::int64_t incarnations_ = 0;
    world_time now_{};
    bool database_is_up_ = true;
    world_time database_up_since_{};
    world_time paused_since_{}; ///< the last change of the account's row
    std::vector<world_time>
        uncovered_since_; ///< by shard, since the last sign of life of its owner; never: covered
    std::vector<session_set> sessions_of_; ///< by shard
    session_set acknowledged_;
    session_set forgiven_;      ///< lost with everything that knew them
    session_set seen_at_owner_; ///< at the end
    std::optional<violation> violation_;
    tally counts_;
    bool traced_ = false;
};

} // namespace kallglot::cluster_simulation

#endif
