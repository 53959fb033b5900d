/// Random numbers of a simulation: from one seed, the same on every machine and with every library.
///
/// The standard's engines are portable, but its distributions are not, so this file implements those that are needed.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_RANDOM_SOURCE_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_RANDOM_SOURCE_HPP

#include "kallglot/base/time.hpp"

#include <cmath>
#include <cstdint>
#include <numbers>

namespace kallglot::policy {

class random_source {
public:
    explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

    /// splitmix64 (Steele, Lea, Flood 2014).
    std::uint64_t bits() noexcept {
        state_ += 0x9E37'79B9'7F4A'7C15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
        z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
        return z ^ (z >> 31);
    }

    /// Uniform from 0 to 1, without 1.
    double unit() noexcept { return static_cast<double>(bits() >> 11) * 0x1p-53; }

    bool chance(double probability) noexcept { return unit() < probability; }

    steady_duration between(steady_duration least, steady_duration most) noexcept {
        return least + from_seconds(unit() * to_seconds(most - least));
    }

    /// Times between independent arrivals.
    steady_duration exponential(double mean_seconds) noexcept {
        return from_seconds(-mean_seconds * std::log(1 - unit()));
    }

    /// Half of the values are below `median`; `sigma` is the spread.
    steady_duration lognormal(steady_duration median, double sigma) noexcept {
        const double radius = std::sqrt(-2 * std::log(1 - unit()));
        const double normal = radius * std::cos(2 * std::numbers::pi * unit());
        return from_seconds(to_seconds(median) * std::exp(sigma * normal));
    }

    /// An independent stream, so that a change in one part of a model does not change the others.
    random_source fork() noexcept { return random_source(bits()); }

private:
    std::uint64_t state_;
};

} // namespace kallglot::policy

#endif
