/// Errors that an implementation of the protocol could have. The simulation plays each of them, and must catch it.
///
/// They are all on the side of the simulation: in its database, and in how it calls the daemon's code.

#ifndef KALLGLOT_TESTS_BENCH_CLUSTER_PROTOCOL_MUTANT_HPP
#define KALLGLOT_TESTS_BENCH_CLUSTER_PROTOCOL_MUTANT_HPP

#include "kallglot/base/vocabulary.hpp"

#include <cstdint>

namespace kallglot::cluster_simulation {

enum class protocol_mutant : std::uint8_t {
    none,
    takeover_without_compare, ///< a replica is deleted though its beat has moved
    takeover_at_any_server,   ///< also at one that may have forgotten beats, behind a pooler
    trust_from_answer, ///< a lease counts from the receipt of the answer, not from the sending of the beat
    series_survives_reconnect, ///< a beat stands still across connections and servers
    epoch_without_incarnation, ///< writes are fenced by the epoch alone
    grow_before_shrink,        ///< a share is granted though the others still have theirs
    growth_not_durable,        ///< a share that grew is used before it is on the disk
    beat_without_compare, ///< a beat is raised whatever it was: one that is late changes the row behind its owner
    crash_loop_inherits, ///< a process inherits the shards of one that ended as soon as it had started
    own_ids_without_inbox, ///< the owner of a shard registers its sessions without the inbox
};

inline constexpr auto protocol_mutant_words = make_vocabulary<protocol_mutant>({
    {protocol_mutant::none, "none"},
    {protocol_mutant::takeover_without_compare, "takeover_without_compare"},
    {protocol_mutant::takeover_at_any_server, "takeover_at_any_server"},
    {protocol_mutant::trust_from_answer, "trust_from_answer"},
    {protocol_mutant::series_survives_reconnect, "series_survives_reconnect"},
    {protocol_mutant::epoch_without_incarnation, "epoch_without_incarnation"},
    {protocol_mutant::grow_before_shrink, "grow_before_shrink"},
    {protocol_mutant::growth_not_durable, "growth_not_durable"},
    {protocol_mutant::beat_without_compare, "beat_without_compare"},
    {protocol_mutant::crash_loop_inherits, "crash_loop_inherits"},
    {protocol_mutant::own_ids_without_inbox, "own_ids_without_inbox"},
});

} // namespace kallglot::cluster_simulation

#endif
