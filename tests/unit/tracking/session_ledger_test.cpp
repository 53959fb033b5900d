// The rules of a session's life, without a loop: what each call changes, and what it asks for.

#include "kallglot/tracking/session_ledger.hpp"

#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

class SessionLedger : public testing::Test {
protected:
    static session_id id(int number) {
        char text[64];
        std::snprintf(text, sizeof text, "sess_01JQ7N0C5VXB3HEZ4M8K_%08d", number);
        return session_id::parse(text).value();
    }

    session_slot add(int number, session_source source = session_source::api) {
        return ledger_.take_id(id(number), source, false, t0).slot;
    }

    ledger_change see(session_slot slot, session_status status, steady_time at) {
        return ledger_.take_snapshot(slot, test::snapshot(status), test::polled(at), policy_);
    }

    /// Three answers of 404 in ten minutes, the last of them at `at`.
    void miss(session_slot slot, steady_time at) {
        for (const steady_duration before : {10min, 5min, 0min}) {
            ledger_.take_not_found(slot, at - before);
        }
    }

    [[nodiscard]] bool tracks(int number) const {
        return ledger_.sessions().find(id(number).view()) != no_slot;
    }

    [[nodiscard]] bool is_known(std::string_view event, steady_time at) const {
        return ledger_.is_known_event(ledger_.event_key(event), event, at);
    }

    session_ledger ledger_{1'000};
    poll_policy policy_;
};

TEST_F(SessionLedger, NewIdIsAddedAndScheduled) {
    const ledger_change change = ledger_.take_id(id(1), session_source::file, true, t0);
    EXPECT_EQ(change.added, session_source::file);
    EXPECT_EQ(change.store, store_action::add);
    EXPECT_TRUE(change.reschedule);
    EXPECT_TRUE(ledger_.sessions()[change.slot].bulk);
    EXPECT_EQ(ledger_.sessions()[change.slot].since, t0);
}

TEST_F(SessionLedger, KnownIdWaitsForItsCommitOrItsNewSource) {
    add(1);
    const ledger_change again = ledger_.take_id(id(1), session_source::api, false, t0 + 1s);
    EXPECT_FALSE(again.added);
    EXPECT_FALSE(again.source_is_new);
    EXPECT_EQ(again.store, store_action::await);
    EXPECT_FALSE(again.reschedule);

    const ledger_change hook = ledger_.take_id(id(1), session_source::webhook, false, t0 + 1s);
    EXPECT_TRUE(hook.source_is_new);
    EXPECT_EQ(hook.store, store_action::change);

    // A file is read again after a restart, so its source may wait.
    const ledger_change file = ledger_.take_id(id(1), session_source::file, true, t0 + 1s);
    EXPECT_EQ(file.store, store_action::note_if_idle);
}

TEST_F(SessionLedger, RejectedSourceIsNewTheNextTime) {
    const session_slot slot = add(1);
    ledger_.take_id(id(1), session_source::webhook, false, t0);
    ledger_.revoke_source(slot, session_source::webhook);
    EXPECT_TRUE(ledger_.take_id(id(1), session_source::webhook, false, t0).source_is_new);
}

TEST_F(SessionLedger, UnstoredSessionIsOfferedAgain) {
    const session_slot slot = add(1, session_source::file);
    ledger_.set_unstored(slot, true);
    EXPECT_EQ(ledger_.take_id(id(1), session_source::file, true, t0).store, store_action::add);
    ledger_.set_unstored(slot, false);
    EXPECT_EQ(ledger_.take_id(id(1), session_source::file, true, t0).store, store_action::await);
}

TEST_F(SessionLedger, FullTableRejectsNewIdsOnly) {
    ledger_.set_max_tracked(1);
    add(1);
    EXPECT_EQ(add(2), no_slot);
    EXPECT_NE(add(1), no_slot);
    // A session of the store was acknowledged under another limit.
    EXPECT_NE(ledger_.restore(id(3), {}, policy_, t0).slot, no_slot);
}

TEST_F(SessionLedger, SessionWithoutSourcesIsForgotten) {
    const session_slot slot = add(1, session_source::file);
    ledger_.take_id(id(1), session_source::api, false, t0);
    const ledger_change unchanged = ledger_.remove_source(slot, session_source::file, t0);
    EXPECT_FALSE(unchanged.forgotten);
    EXPECT_EQ(unchanged.store, store_action::note_if_idle);
    const ledger_change gone = ledger_.remove_source(slot, session_source::api, t0);
    ASSERT_TRUE(gone.forgotten);
    EXPECT_EQ(gone.forgotten->id, id(1));
    EXPECT_EQ(gone.forgotten->reason, forget_reason::operator_asked);
    EXPECT_EQ(gone.forgotten->remembered, std::nullopt);
    EXPECT_EQ(gone.store, store_action::forget);
    EXPECT_FALSE(tracks(1));
    EXPECT_FALSE(ledger_.is_gone(id(1), t0));
}

TEST_F(SessionLedger, FirstAnswerAndChangesAreNotedAndRepetitionsAreNot) {
    const session_slot slot = add(1);
    EXPECT_EQ(see(slot, session_status::connecting, t0 + 1s).store, store_action::note);
    EXPECT_EQ(see(slot, session_status::connecting, t0 + 2s).store, store_action::none);
    // The first threshold of `connecting` is 15 s: what it confirms survives a restart.
    EXPECT_EQ(see(slot, session_status::connecting, t0 + 17s).store, store_action::note);
    const ledger_change active = see(slot, session_status::active, t0 + 18s);
    EXPECT_EQ(active.store, store_action::note);
    ASSERT_TRUE(active.changes.change);
    EXPECT_EQ(active.changes.change->from, session_status::connecting);
    EXPECT_EQ(active.source, change_source::poll);
}

TEST_F(SessionLedger, NotFoundIsForgottenAfterThreeAnswersAndTheTime) {
    const session_slot slot = add(1);
    ledger_.take_not_found(slot, t0);
    ledger_.take_not_found(slot, t0 + 10min);
    EXPECT_FALSE(ledger_.forget_if_over(slot, policy_.poll, t0 + 10min)) << "two answers only";
    ledger_.take_not_found(slot, t0 + 10min);
    EXPECT_FALSE(ledger_.forget_if_over(slot, policy_.poll, t0 + 10min - 1ms)) << "too early";
    const auto over = ledger_.forget_if_over(slot, policy_.poll, t0 + 10min);
    ASSERT_TRUE(over && over->forgotten);
    EXPECT_EQ(over->forgotten->reason, forget_reason::not_found);
    EXPECT_EQ(over->forgotten->remembered, remembered_kind::not_found);
    EXPECT_TRUE(ledger_.is_gone(id(1), t0 + 72h));
    EXPECT_FALSE(ledger_.is_gone(id(1), t0 + 73h));
}

TEST_F(SessionLedger, GoodAnswerEndsTheStreakOfNotFound) {
    const session_slot slot = add(1);
    miss(slot, t0 + 10min);
    see(slot, session_status::active, t0 + 10min);
    EXPECT_FALSE(ledger_.forget_if_over(slot, policy_.poll, t0 + 10min));
    EXPECT_EQ(ledger_.take_not_found(slot, t0 + 11min).store, store_action::note);
}

TEST_F(SessionLedger, MostSessionsNotFoundIsAnOutageForADay) {
    std::vector<session_slot> slots;
    for (int i = 0; i < 20; ++i) {
        slots.push_back(add(i));
    }
    for (int i = 0; i < 11; ++i) {
        miss(slots[static_cast<std::size_t>(i)], t0 + 10min);
    }
    // 11 of 20 answer 404: nothing is forgotten, until a day has passed.
    EXPECT_FALSE(ledger_.forget_if_over(slots[0], policy_.poll, t0 + 10min));
    EXPECT_FALSE(ledger_.forget_if_over(slots[0], policy_.poll, t0 + 24h - 1ms));
    EXPECT_TRUE(ledger_.forget_if_over(slots[0], policy_.poll, t0 + 24h));
}

TEST_F(SessionLedger, HalfOfTheSessionsNotFoundIsNoOutage) {
    std::vector<session_slot> slots;
    for (int i = 0; i < 20; ++i) {
        slots.push_back(add(i));
    }
    for (int i = 0; i < 10; ++i) {
        miss(slots[static_cast<std::size_t>(i)], t0 + 10min);
    }
    EXPECT_TRUE(ledger_.forget_if_over(slots[0], policy_.poll, t0 + 10min));
}

TEST_F(SessionLedger, FewSessionsSayNothingAboutAnOutage) {
    std::vector<session_slot> slots;
    for (int i = 0; i < 19; ++i) {
        slots.push_back(add(i));
        miss(slots.back(), t0 + 10min);
    }
    EXPECT_TRUE(ledger_.forget_if_over(slots[0], policy_.poll, t0 + 10min));
}

TEST_F(SessionLedger, TallyOfNotFoundFollowsEveryWayOut) {
    // 40 sessions; 21 answer 404, then leave that count in every way there is: the rest is no outage.
    std::vector<session_slot> slots;
    for (int i = 0; i < 40; ++i) {
        slots.push_back(add(i));
        if (i < 21) {
            miss(slots.back(), t0 + 10min);
        }
    }
    const auto over = [&](std::size_t i) {
        return ledger_.forget_if_over(slots[i], policy_.poll, t0 + 10min).has_value();
    };
    ASSERT_FALSE(over(0));
    see(slots[1], session_status::active, t0 + 11min);
    ledger_.take_event(slots[2], session_event::ended, {4711, 0}, {t0 + 11min, {}, {}});
    ledger_.forget(slots[3], forget_reason::operator_asked, t0 + 11min);
    ledger_.drop(slots[4]);
    // 17 of 37 now.
    EXPECT_TRUE(over(0));
    ledger_.restore(id(100), ledger_.sessions()[slots[5]], policy_, t0 + 11min);
    ledger_.restore(id(101), ledger_.sessions()[slots[5]], policy_, t0 + 11min);
    ledger_.restore(id(102), ledger_.sessions()[slots[5]], policy_, t0 + 11min);
    // 19 of 39: still no outage; one more is.
    ledger_.restore(id(103), ledger_.sessions()[slots[5]], policy_, t0 + 11min);
    ledger_.restore(id(104), ledger_.sessions()[slots[5]], policy_, t0 + 11min);
    EXPECT_FALSE(over(6));
}

TEST_F(SessionLedger, UnknownStatusExpires) {
    const session_slot slot = add(1);
    see(slot, session_status::unknown, t0 + 1s);
    EXPECT_FALSE(ledger_.forget_if_over(slot, policy_.poll, t0 + 24h));
    const auto over = ledger_.forget_if_over(slot, policy_.poll, t0 + 25h);
    ASSERT_TRUE(over && over->forgotten);
    EXPECT_EQ(over->forgotten->reason, forget_reason::expired);
    EXPECT_EQ(over->forgotten->remembered, std::nullopt);
}

TEST_F(SessionLedger, EventIsKnownUntilItCouldNotBePersisted) {
    const session_slot slot = add(1);
    const remembered_key key = ledger_.event_key("evt_4711");
    const ledger_change change =
        ledger_.take_event(slot, session_event::started, key, {t0 + 1s, {}, {}});
    EXPECT_EQ(change.source, change_source::webhook);
    EXPECT_EQ(change.store, store_action::change);
    EXPECT_TRUE(change.reschedule);
    EXPECT_TRUE(is_known("evt_4711", t0 + 1s));
    ledger_.forget_event(key, t0 + 1s);
    EXPECT_FALSE(is_known("evt_4711", t0 + 1s));
}

TEST_F(SessionLedger, EventWithoutStatusIsRememberedAndChangesNothing) {
    const session_slot slot = add(1);
    const session_record before = ledger_.sessions()[slot];
    const ledger_change change =
        ledger_.take_event(slot, std::nullopt, ledger_.event_key("evt_4711"), {t0 + 1s, {}, {}});
    EXPECT_FALSE(change.reschedule);
    EXPECT_FALSE(change.changes.change);
    EXPECT_EQ(ledger_.sessions()[slot].status, before.status);
    EXPECT_TRUE(is_known("evt_4711", t0 + 1s));
}

TEST_F(SessionLedger, EndWithoutAFinalPollCountsWhenForgotten) {
    const session_slot slot = add(1);
    see(slot, session_status::active, t0 + 1s);
    ledger_.take_event(slot,
                       session_event::ended,
                       ledger_.event_key("evt_4711"),
                       {t0 + 2s, {}, {}});
    EXPECT_TRUE(ledger_.forget(slot, forget_reason::ended, t0 + 3s).changes.ended);
    EXPECT_TRUE(ledger_.is_gone(id(1), t0 + 3s));
}

TEST_F(SessionLedger, FinalPollThatIsNotFoundCountsTheEndOnce) {
    const session_slot slot = add(1);
    see(slot, session_status::active, t0 + 1s);
    ledger_.take_event(slot,
                       session_event::ended,
                       ledger_.event_key("evt_4711"),
                       {t0 + 2s, {}, {}});
    EXPECT_TRUE(ledger_.take_not_found(slot, t0 + 3s).changes.ended);
    EXPECT_FALSE(ledger_.take_not_found(slot, t0 + 4s).changes.ended);
    EXPECT_FALSE(ledger_.forget(slot, forget_reason::ended, t0 + 5s).changes.ended);
}

TEST_F(SessionLedger, OperatorMayReviveAnIdThatIsGone) {
    const session_slot slot = add(1);
    ledger_.forget(slot, forget_reason::ended, t0);
    EXPECT_TRUE(ledger_.revive(id(1), t0));
    EXPECT_FALSE(ledger_.is_gone(id(1), t0));
    EXPECT_FALSE(ledger_.revive(id(1), t0));
    ledger_.undo_revival(id(1), t0);
    EXPECT_TRUE(ledger_.is_gone(id(1), t0));
}

TEST_F(SessionLedger, UndoneRevivalLeavesTrackedIdsAlone) {
    add(1);
    ledger_.undo_revival(id(1), t0);
    EXPECT_FALSE(ledger_.is_gone(id(1), t0));
}

TEST_F(SessionLedger, ForgottenSessionFreesItsSlotWhenItsPollReturns) {
    const session_slot slot = add(1);
    ledger_.poll_sent(slot, t0);
    ledger_.forget(slot, forget_reason::operator_asked, t0);
    EXPECT_NE(add(2), slot);
    EXPECT_FALSE(ledger_.poll_returned(slot));
    EXPECT_EQ(add(3), slot);
}

TEST_F(SessionLedger, RestoredSessionIsDueAndCountsNotFoundAgain) {
    session_record record = test::observed(session_status::connecting, t0 - 1min, t0 - 30s);
    record.not_found_since = t0 - 20s;
    record.not_found_count = 2;
    const session_slot slot = ledger_.restore(id(1), record, policy_, t0).slot;
    const session_record& restored = ledger_.sessions()[slot];
    EXPECT_EQ(restored.last_sent, t0 - 2s);
    EXPECT_EQ(restored.not_found_count, 0);
    EXPECT_EQ(restored.not_found_since, t0 - 20s);
    EXPECT_EQ(restored.status, session_status::connecting);
    EXPECT_EQ(ledger_.sessions().id_of(slot), id(1));
}

} // namespace
} // namespace kallglot
