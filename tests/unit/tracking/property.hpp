/// What the property tests of the core share: a moment to begin with, chance with a seed, and how many
/// rounds a build can afford.

#ifndef KALLGLOT_TESTS_UNIT_TRACKING_PROPERTY_HPP
#define KALLGLOT_TESTS_UNIT_TRACKING_PROPERTY_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace kallglot::test {

using namespace std::chrono_literals;

/// Some moment on the steady clock that is neither zero nor a whole second.
inline constexpr steady_time t0 = steady_time{} + 1000h + 123'456'789ns;

/// `full` rounds in a plain build, a quarter under sanitizers, which are slow.
[[nodiscard]] constexpr std::size_t rounds(std::size_t full) noexcept {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return full / 4;
#else
    return full;
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return full / 4;
#else
    return full;
#endif
}

/// Chance that can be repeated: KALLGLOT_TEST_SEED in the environment replaces the built-in seed.
class chance {
public:
    chance() : seed_(from_environment()), engine_(seed_) {}

    /// For SCOPED_TRACE, so that each failure names its seed.
    [[nodiscard]] std::string told() const { return "KALLGLOT_TEST_SEED=" + std::to_string(seed_); }

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

    /// 0 to `count` - 1.
    [[nodiscard]] std::size_t below(std::size_t count) { return engine_() % count; }

    /// True in `percent` of 100 cases.
    [[nodiscard]] bool of(std::size_t percent) { return below(100) < percent; }

    /// From `least` to `most`, to the microsecond.
    [[nodiscard]] steady_duration between(steady_duration least, steady_duration most) {
        const auto span =
            std::chrono::duration_cast<std::chrono::microseconds>(most - least).count();
        return least
               + std::chrono::microseconds(engine_()
                                           % (static_cast<std::uint64_t>(span) + std::uint64_t{1}));
    }

    /// 0 up to 1.
    [[nodiscard]] double part() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

    [[nodiscard]] std::mt19937_64& engine() noexcept { return engine_; }

private:
    [[nodiscard]] static std::uint64_t from_environment() {
        const char* const text = std::getenv("KALLGLOT_TEST_SEED");
        return text == nullptr ? 20'240'917 : std::strtoull(text, nullptr, 10);
    }

    std::uint64_t seed_;
    std::mt19937_64 engine_;
};

/// The id number `number`, of `size` characters (at least enough for the number).
[[nodiscard]] inline std::string id_text(std::size_t number, std::size_t size = 31) {
    std::string text = std::to_string(number);
    text.insert(0, size > text.size() ? size - text.size() : 0, 'a');
    return text;
}

[[nodiscard]] inline session_id make_id(std::size_t number, std::size_t size = 31) {
    return session_id::parse(id_text(number, size)).value();
}

} // namespace kallglot::test

#endif
