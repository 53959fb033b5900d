/// Gives the TLS handshakes of a listener a share of the loop's time, so that many of them delay nothing else.
///
/// The signature of a handshake is the most expensive thing that a stranger can ask for: 4 ms of CPU with an RSA key of 4096
/// bits. What exceeds the share waits. The client with the fewest waiting handshakes is next.

#ifndef KALLGLOT_NET_SERVER_HANDSHAKE_TURNS_HPP
#define KALLGLOT_NET_SERVER_HANDSHAKE_TURNS_HPP

#include "kallglot/async/deadline.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/ports/clock.hpp"
#include "net/server/eviction.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace kallglot {

/// How much of the loop's time handshakes may use: a quarter. Pure: the caller passes the time in.
class handshake_budget {
public:
    static constexpr int seconds_per_second_of_work = 4;
    /// What may be spent at once after a quiet time: clients that connect together do not wait, and a poll waits little.
    static constexpr steady_duration max_saved = milliseconds(50);
    /// A step that took very long, because the process was stopped meanwhile for example, must not block handshakes for long.
    static constexpr steady_duration max_debt = milliseconds(250);

    explicit handshake_budget(steady_time now) noexcept : at_(now) {}

    [[nodiscard]] bool has_left(steady_time now) const noexcept {
        return level(now) > steady_duration::zero();
    }

    /// From when on has_left() is true, unless more is spent.
    [[nodiscard]] steady_time available_at() const noexcept;

    /// A step has taken so long.
    void spend(steady_duration took, steady_time now) noexcept;

private:
    [[nodiscard]] steady_duration level(steady_time now) const noexcept;

    steady_duration level_ = max_saved; ///< at the moment `at_`; below zero: a debt
    steady_time at_;
};

/// The index of the client whose handshake is next: of the network with the fewest in `waiting`, and of its first one.
/// Precondition: there is one.
[[nodiscard]] std::size_t choose_turn(std::span<const peer_network> waiting);

/// Loop only. Lifetime: the clock outlives it.
class handshake_turns {
public:
    explicit handshake_turns(clock& time);

    /// The place of a connection in the queue.
    struct place {
        place(const loop_executor& executor, peer_network from)
            : network(from),
              wake(executor, steady_timer::time_point::max()) {}

        peer_network network;
        steady_timer wake;
    };

    /// Ends when the client may take a step of its handshake, or when `wake` of its place is cancelled.
    ///
    /// Lifetime: `where` outlives the call.
    [[nodiscard]] task<> wait(place* where);

    /// The step that followed a wait has taken so long; zero: there was no step.
    void note_step(steady_duration took);

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    void grant();
    void plan();

    clock& clock_;
    handshake_budget budget_;
    std::vector<place*> waiting_; ///< the oldest first
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
