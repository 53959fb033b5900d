#include "polling/timing_wheel.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

std::vector<session_slot> expired(timing_wheel& wheel, steady_time now) {
    std::vector<session_slot> slots;
    wheel.advance(now, [&](session_slot slot) { slots.push_back(slot); });
    return slots;
}

using slots = std::vector<session_slot>;
constexpr session_slot a{0};
constexpr session_slot b{1};
constexpr session_slot c{2};

/// A wheel with entries of its own.
struct wheel_of : private schedule_entries, public timing_wheel {
    explicit wheel_of(std::size_t count) : timing_wheel(*this, t0) { grow(count); }

    void grow(std::size_t count) {
        while (schedule_entries::size() < count) {
            schedule_entries::emplace_back();
            add(session_slot{static_cast<std::uint32_t>(schedule_entries::size() - 1)});
        }
    }
};

TEST(TimingWheel, ExpiresAtTheNextMillisecondNeverEarlier) {
    wheel_of wheel(3);
    wheel.set(a, t0 + 10ms + 1ns);
    wheel.set(b, t0 + 10ms);
    EXPECT_EQ(expired(wheel, t0 + 10ms - 1ns), slots{});
    EXPECT_EQ(expired(wheel, t0 + 10ms), slots{b});
    EXPECT_EQ(expired(wheel, t0 + 11ms - 1ns), slots{});
    EXPECT_EQ(expired(wheel, t0 + 11ms), slots{a});
    EXPECT_EQ(expired(wheel, t0 + 100h), slots{});
}

TEST(TimingWheel, ExpiresTheEarliestFirst) {
    wheel_of wheel(3);
    wheel.set(a, t0 + 30h);
    wheel.set(b, t0 + 5ms);
    wheel.set(c, t0 + 70s);
    EXPECT_EQ(expired(wheel, t0 + 40h), (slots{b, c, a}));
}

TEST(TimingWheel, SettingAgainReplacesTheDueTime) {
    wheel_of wheel(1);
    wheel.set(a, t0 + 5ms);
    wheel.set(a, t0 + 2h);
    EXPECT_EQ(expired(wheel, t0 + 1h), slots{});
    wheel.set(a, t0 + 1h + 1ms);
    EXPECT_EQ(expired(wheel, t0 + 1h + 1ms), slots{a});
    EXPECT_EQ(expired(wheel, t0 + 3h), slots{});
}

TEST(TimingWheel, WhatHasPassedExpiresWithTheNextMillisecond) {
    wheel_of wheel(2);
    EXPECT_EQ(expired(wheel, t0 + 1h), slots{});
    wheel.set(a, t0 - 5h);
    wheel.set(b, t0 + 1h);
    EXPECT_EQ(expired(wheel, t0 + 1h + 1ms), (slots{a, b}));
}

TEST(TimingWheel, CutsDueTimesAtTheHorizon) {
    wheel_of wheel(1);
    wheel.set(a, t0 + 1000h);
    EXPECT_EQ(expired(wheel, t0 + timing_wheel::horizon - 1ms), slots{});
    EXPECT_EQ(expired(wheel, t0 + timing_wheel::horizon), slots{a});
}

TEST(TimingWheel, RemovedSlotsDoNotExpire) {
    wheel_of wheel(2);
    wheel.set(a, t0 + 1s);
    wheel.set(b, t0 + 1s);
    wheel.remove(a);
    wheel.remove(a);
    EXPECT_FALSE(wheel.is_set(a));
    EXPECT_TRUE(wheel.is_set(b));
    EXPECT_EQ(expired(wheel, t0 + 2s), slots{b});
}

TEST(TimingWheel, ExpireMayRemoveASlotThatIsDueAtTheSameTime) {
    wheel_of wheel(3);
    wheel.set(a, t0 + 1s);
    wheel.set(b, t0 + 1s);
    wheel.set(c, t0 + 1s);
    slots seen;
    wheel.advance(t0 + 1s, [&](session_slot slot) {
        seen.push_back(slot);
        wheel.remove(b);
    });
    EXPECT_EQ(seen, (slots{a, c}));
}

TEST(TimingWheel, ASlotSetAgainWhileItExpiresComesOncePerTick) {
    wheel_of wheel(1);
    wheel.set(a, t0 + 1ms);
    int count = 0;
    wheel.advance(t0 + 20ms, [&](session_slot slot) {
        ++count;
        wheel.set(slot, t0); // a time that has passed
    });
    EXPECT_EQ(count, 20);
    EXPECT_EQ(expired(wheel, t0 + 21ms), slots{a});
}

TEST(TimingWheel, ReportsTheNextTurn) {
    wheel_of wheel(2);
    EXPECT_FALSE(wheel.next_turn().has_value());
    wheel.set(a, t0 + 100ms);
    EXPECT_EQ(wheel.next_turn(), t0 + 100ms);
    wheel.set(b, t0 + 3h);
    EXPECT_EQ(wheel.next_turn(), t0 + 100ms);
    EXPECT_EQ(expired(wheel, t0 + 100ms), slots{a});
    // Each turn may be too early, never too late, and they lead to the due time.
    int turns = 0;
    while (wheel.is_set(b)) {
        const auto turn = wheel.next_turn();
        ASSERT_TRUE(turn.has_value());
        ASSERT_LE(*turn, t0 + 3h);
        (void)expired(wheel, *turn);
        ASSERT_LE(++turns, 4);
    }
    EXPECT_FALSE(wheel.next_turn().has_value());
}

TEST(TimingWheel, KeepsTags) {
    wheel_of wheel(2);
    EXPECT_EQ(wheel.tag(a), 0);
    wheel.set_tag(a, timing_wheel::max_tag);
    wheel.set_tag(b, 7);
    wheel.set(a, t0 + 47h);
    wheel.set(b, t0 + 1ms);
    (void)expired(wheel, t0 + 30h);
    wheel.grow(1000);
    EXPECT_EQ(wheel.tag(a), timing_wheel::max_tag);
    EXPECT_EQ(wheel.tag(b), 7);
    wheel.set_tag(a, 0);
    EXPECT_EQ(expired(wheel, t0 + 47h), slots{a});
}

TEST(TimingWheel, SurvivesATimeBeforeItsStart) {
    wheel_of wheel(1);
    EXPECT_EQ(expired(wheel, t0 - 1h), slots{});
    wheel.set(a, t0 - 30min);
    EXPECT_EQ(expired(wheel, t0 - 1min), slots{});
    EXPECT_EQ(expired(wheel, t0 + 1ms), slots{a});
}

/// What the wheel promises, in the simplest form: an ordered set of (tick, slot).
class model_of_wheel {
public:
    explicit model_of_wheel(std::size_t count) : ticks_(count), tags_(count) {}

    void set(session_slot slot, steady_time due) {
        remove(slot);
        const auto furthest = current_ + timing_wheel::horizon / 1ms;
        const auto tick =
            std::clamp<std::int64_t>(std::chrono::ceil<milliseconds>(due - t0).count(),
                                     current_ + 1,
                                     furthest);
        ticks_[index_of(slot)] = tick;
        order_.emplace(tick, slot);
    }

    void remove(session_slot slot) {
        auto& tick = ticks_[index_of(slot)];
        if (tick) {
            order_.erase({*tick, slot});
        }
        tick.reset();
    }

    /// The slot expired: it was due, and nothing before it is left.
    void expire(session_slot slot, steady_time now) {
        const auto& tick = ticks_[index_of(slot)];
        ASSERT_TRUE(tick.has_value());
        ASSERT_LE(t0 + milliseconds(*tick), now);
        ASSERT_EQ(*tick, order_.begin()->first);
        current_ = *tick;
        remove(slot);
    }

    void advanced(steady_time now) {
        current_ = std::max(current_, std::chrono::floor<milliseconds>(now - t0).count());
        ASSERT_TRUE(order_.empty() || order_.begin()->first > current_);
    }

    [[nodiscard]] std::optional<steady_time> next() const {
        return order_.empty() ? std::nullopt
                              : std::optional(t0 + milliseconds(order_.begin()->first));
    }

    [[nodiscard]] bool is_set(session_slot slot) const {
        return ticks_[index_of(slot)].has_value();
    }

    [[nodiscard]] std::uint8_t& tag(session_slot slot) { return tags_[index_of(slot)]; }

private:
    std::set<std::pair<std::int64_t, session_slot>> order_;
    std::vector<std::optional<std::int64_t>> ticks_;
    std::vector<std::uint8_t> tags_;
    std::int64_t current_ = 0;
};

steady_duration random_distance(test::chance& chance) {
    switch (chance.below(7)) {
        case 0:
            return chance.between(-10h, 0s);
        case 1:
            return chance.between(0s, 3ms);
        case 2:
            return chance.between(0s, 600ms);
        case 3:
            return chance.between(0s, 140s);
        case 4:
            return chance.between(0s, 5h);
        case 5:
            return chance.between(4h, 48h);
        // The seams between the rounds, to the tick.
        default: {
            constexpr std::array seams{256ms, 65'536ms, 16'711'680ms, 16'777'216ms};
            return seams[chance.below(seams.size())] + milliseconds(chance.below(5)) - 2ms;
        }
    }
}

steady_duration random_step(test::chance& chance) {
    switch (chance.below(20)) {
        case 0:
            return chance.between(0s, 5h);
        case 1:
            return chance.between(0s, 10min);
        case 2:
            return 0s;
        case 3:
            return 65'536ms;
        default:
            return chance.between(0s, 2s);
    }
}

TEST(TimingWheel, AgreesWithAnOrderedSetOverRandomOperations) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    constexpr std::size_t count = 500;
    wheel_of wheel(count);
    model_of_wheel model(count);
    steady_time now = t0;
    const auto set = [&](session_slot slot) {
        const steady_time due = now + random_distance(chance);
        wheel.set(slot, due);
        model.set(slot, due);
    };
    for (std::size_t i = 0; i < test::rounds(1'500'000); ++i) {
        const session_slot slot{static_cast<std::uint32_t>(chance.below(count))};
        const std::size_t what = chance.below(10);
        if (what < 6) {
            set(slot);
        } else if (what == 6) {
            wheel.remove(slot);
            model.remove(slot);
        } else if (what == 7) {
            model.tag(slot) = static_cast<std::uint8_t>(chance.below(16));
            wheel.set_tag(slot, model.tag(slot));
        } else {
            now += random_step(chance);
            wheel.advance(now, [&](session_slot due) {
                model.expire(due, now);
                if (chance.of(20)) {
                    set(due);
                } else if (chance.of(5)) {
                    set(session_slot{static_cast<std::uint32_t>(chance.below(count))});
                }
            });
            model.advanced(now);
        }
        if (const auto next = model.next()) {
            const auto turn = wheel.next_turn();
            ASSERT_TRUE(turn.has_value());
            ASSERT_LE(*turn, *next);
        }
        ASSERT_EQ(wheel.is_set(slot), model.is_set(slot));
        ASSERT_EQ(wheel.tag(slot), model.tag(slot));
        ASSERT_FALSE(testing::Test::HasFatalFailure()) << "operation " << i;
    }
}

} // namespace
} // namespace kallglot
