// What others use on the key is learned, and left to them.

#include "polling/foreign_use.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace kallglot {
namespace {

/// One window with an answer every hundredth of it; `used(place)` is the use of others by then.
void observe(foreign_use& others, const std::function<double(double)>& used, std::size_t hour = 3) {
    for (int i = 0; i <= 100; ++i) {
        others.note(i / 100.0, used(i / 100.0));
    }
    others.end_window(hour);
}

double evenly(double place) {
    return 900 * place;
}

/// Hardly anything until nine tenths of the window are over.
double at_the_end(double place) {
    return place < 0.9 ? 0 : (place - 0.9) * 9000;
}

TEST(ForeignUse, KnowsTheRhythmAfterOneWindow) {
    foreign_use others;
    EXPECT_EQ(others.rest(0, 0, 3).to_leave(), 0);
    observe(others, at_the_end);
    EXPECT_GE(others.rest(0.85, 0, 3).to_leave(), 900);
}

TEST(ForeignUse, RequestsBehindTheExpectedEndBelongToTheLastPart) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        for (int k = 0; k <= 100; ++k) {
            others.note(k / 100.0, 8 * k);
        }
        others.note(1.02, 900);
        others.end_window(3);
    }
    EXPECT_NEAR(others.rest(0, 0, 3).expected, 900, 1);
}

TEST(ForeignUse, ObservesEveryPartWhateverTheRounding) {
    for (const int notes : {25, 36, 60, 61, 120}) {
        foreign_use others;
        for (int window = 0; window < 2; ++window) {
            for (int i = 0; i < notes; ++i) {
                others.note(static_cast<double>(i) / notes, 900.0 * i / notes);
            }
            others.end_window(3);
        }
        EXPECT_NEAR(others.rest(0, 0, 3).expected, 900, 1) << notes;
        EXPECT_NEAR(others.rest(0.5, 450, 3).expected, 450, 1) << notes;
    }
}

TEST(ForeignUse, LeavesMoreIfThePlaceIsNotKnownWell) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        observe(others, at_the_end);
    }
    const double known = others.rest(0.95, 450, 3).expected;
    EXPECT_NEAR(known, 450, 60);
    EXPECT_GE(others.rest(0.95, 450, 3, 0.05).expected, known + 300);
}

TEST(ForeignUse, LeavesWhatIsUsualAndAMargin) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        observe(others, evenly);
    }
    EXPECT_NEAR(others.rest(0, 0, 3).to_leave(), 900 + 138, 5);
    EXPECT_NEAR(others.rest(0.5, 450, 3).to_leave(), 450 + 98, 5);
    EXPECT_NEAR(others.rest(1, 900, 3).to_leave(), 0, 1);
}

TEST(ForeignUse, TheMarginShrinksAsOthersUseWhatIsExpected) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        observe(others, evenly);
    }
    const auto at = [&](double place) {
        return others.rest(place, 900 * place, 3);
    };
    const double shrunk = at(0.4).margin - at(0.41).margin;
    EXPECT_GT(shrunk, 0);
    EXPECT_NEAR(at(0.405).release * 0.01, shrunk, 0.01 * shrunk);
}

TEST(ForeignUse, APieceOfTheFirstWindowShowsTheRest) {
    foreign_use others;
    // From six tenths of a window on; what was used before may be ours.
    for (int i = 60; i <= 80; ++i) {
        others.note(i / 100.0, 500 + 9 * (i - 60));
    }
    EXPECT_NEAR(others.rest(0.8, 680, 3).expected, 180, 1);
    others.end_window(3);
    EXPECT_NEAR(others.rest(0, 0, 3).expected, 900, 1);
}

TEST(ForeignUse, WhatIsUsualInAPartMayComeAtItsEnd) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        observe(others, at_the_end);
    }
    for (int i = 0; i <= 89; ++i) {
        others.note(i / 100.0, 0);
    }
    EXPECT_NEAR(others.rest(0.89, 0, 3).expected, 900, 1);
}

TEST(ForeignUse, LeavesTheBurstAtTheEndUntilItIsOver) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        observe(others, at_the_end);
    }
    EXPECT_GE(others.rest(0.85, 0, 3).to_leave(), 900);
    EXPECT_NEAR(others.rest(0.96, 540, 3).to_leave(), 360 + 87, 40);
}

TEST(ForeignUse, ExpectsASurpriseToGoOn) {
    foreign_use others;
    for (int i = 0; i < 10; ++i) {
        observe(others, [](double place) { return 100 * place; });
    }
    EXPECT_LE(others.rest(0.3, 30, 3).to_leave(), 130);
    EXPECT_GE(others.rest(0.3, 300, 3).to_leave(), 500);
}

TEST(ForeignUse, RemembersABusyHour) {
    foreign_use others;
    observe(others, evenly, 9);
    for (int i = 0; i < 60; ++i) {
        observe(others, [](double place) { return 90 * place; }, 12);
    }
    EXPECT_GE(others.rest(0, 0, 9).to_leave(), 900);
    EXPECT_LE(others.rest(0, 0, 12).to_leave(), 400);
}

TEST(ForeignUse, ExpectsABusyHourUntilItsFirstWindowEnds) {
    foreign_use others;
    const auto busy = [](double place) {
        return 960 * place;
    };
    const auto calm = [](double place) {
        return 120 * place;
    };
    for (int i = 0; i < 60; ++i) {
        observe(others, busy, 9);
    }
    for (int i = 0; i < 200; ++i) {
        observe(others, calm, 12);
    }
    for (int i = 0; i <= 90; ++i) {
        others.note(i / 100.0, busy(i / 100.0));
    }
    EXPECT_NEAR(others.rest(0.9, busy(0.9), 9).expected, 96, 2);
}

TEST(ForeignUse, AnswersThatStopEarlyKeepTheRhythmOfTheRest) {
    foreign_use others;
    for (int i = 0; i < 4; ++i) {
        observe(others, at_the_end);
    }
    for (int window = 0; window < 20; ++window) {
        for (int i = 0; i < 50; ++i) {
            others.note(i / 100.0, 0);
        }
        others.end_window(3);
    }
    EXPECT_GE(others.rest(0.5, 0, 3).to_leave(), 900);
}

} // namespace
} // namespace kallglot
