// Ids from files: they are added, stay while the store rejects them, and are removed.

#include "unit/intake/intake_fixture.hpp"

#include <gtest/gtest.h>

namespace kallglot::test {
namespace {

using enum webhook_type;

class IntakeFiles : public IntakeFixture {};

TEST_F(IntakeFiles, UnstoredIdsFromFilesAreOfferedAgain) {
    intake_->on_added(names(1, 3));
    fail();
    EXPECT_EQ(registry_->size(), 3U);
    // Also those that come while it is unusable.
    intake_->on_added(names(4, 2));
    EXPECT_EQ(registry_->size(), 5U);
    fail();
    EXPECT_TRUE(store_.sessions.empty());
    store_.recover();
    commit();
    EXPECT_EQ(store_.sessions.size(), 5U);
    // Once: the next time there is nothing to report.
    fail();
    store_.recover();
    EXPECT_EQ(store_.waiting(), 0U);
}

TEST_F(IntakeFiles, AFileThatIsLargerThanTheQueueIsStoredAllTheSame) {
    store_.room = 100;
    intake_->on_added(names(1, 250));
    EXPECT_EQ(registry_->size(), 250U);
    EXPECT_TRUE(put(300).failed_with(errc::store_unavailable)) << "too much waits already";
    store_.tell_of_room();
    EXPECT_EQ(store_.sessions.size(), 100U);
    store_.tell_of_room();
    store_.tell_of_room();
    EXPECT_EQ(store_.sessions.size(), 250U);
    EXPECT_EQ(store_.waiting(), 0U);
}

TEST_F(IntakeFiles, AnIdThatAFileHasTooStaysWhenItsCommitFails) {
    intake_->on_added(names(1, 1));
    const auto named = put(1);
    fail();
    EXPECT_TRUE(named.failed_with(errc::store_unavailable));
    EXPECT_TRUE(is_tracked(1));
    store_.recover();
    commit();
    EXPECT_TRUE(store_.holds(name(1)));
}

TEST_F(IntakeFiles, ARevivedIdInAFileSurvivesAFailedCommit) {
    const std::vector<remembered_entry> ended = {
        {key_of_session({}, name(1)), clock_.now(), remembered_kind::ended},
        {key_of_session({}, name(2)), clock_.now(), remembered_kind::ended}};
    intake_->on_remembered(ended);
    const auto one = put(1);
    const auto many = put_all(names(2, 1));
    intake_->on_added(names(1, 2));
    fail();
    EXPECT_TRUE(one.failed_with(errc::store_unavailable));
    EXPECT_TRUE(many.failed_with(errc::store_unavailable));
    store_.recover();
    for (const std::size_t i : {1U, 2U}) {
        EXPECT_TRUE(is_tracked(i));
        const auto delivery =
            deliver(event(session_started, i, static_cast<std::uint64_t>(1000 + i)));
        commit();
        ASSERT_TRUE(delivery.done());
        EXPECT_EQ(delivery.value(), event_outcome::accepted);
    }
}

TEST_F(IntakeFiles, AnUnstoredSessionThatLeftIsNotOffered) {
    intake_->on_added(names(1, 2));
    fail();
    intake_->on_removed({hash_of(name(1))});
    EXPECT_FALSE(is_tracked(1));
    store_.recover();
    commit();
    EXPECT_FALSE(store_.holds(name(1)));
    EXPECT_TRUE(store_.holds(name(2)));
}

TEST_F(IntakeFiles, AReusedSlotIsNotOfferedForItsFormerSession) {
    store_.room = 2;
    intake_->on_added(names(1, 5));
    intake_->on_not_stored(names(3, 3));
    intake_->on_removed({hash_of(name(5))});
    commit();
    const auto named = put(9);
    commit();
    ASSERT_TRUE(named.done());
    EXPECT_TRUE(store_.holds(name(9)));
    store_.room = 100;
    intake_->on_store_room();
    EXPECT_EQ(store_.waiting(), 2U);
    fail();
    EXPECT_TRUE(is_tracked(9)) << "it was acknowledged";
    EXPECT_EQ(registry_->size(), 5U);
}

TEST_F(IntakeFiles, AnUnstoredIdOfAFileIsDurableWhenAcknowledged) {
    intake_->on_added(names(1, 1));
    put(1);
    fail();
    // Back, but there is no room for what it could not take.
    store_.room = 0;
    store_.recover();
    store_.room = 100;
    const auto named = put(1);
    EXPECT_FALSE(named.done());
    commit();
    EXPECT_TRUE(named.done());
    EXPECT_TRUE(store_.holds(name(1)));
}

TEST_F(IntakeFiles, ASourceThatTheStoreRejectedIsNewAgain) {
    intake_->on_added(names(1, 1));
    commit();
    store_.room = 1;
    const auto many = put_all({id(name(7)), id(name(1))});
    commit();
    EXPECT_TRUE(many.failed_with(errc::store_unavailable));
    store_.room = 100;
    const auto again = put(1);
    EXPECT_FALSE(again.done()) << "only a file has it on the disk";
    commit();
    EXPECT_TRUE(again.done());
    intake_->on_removed({hash_of(name(1))});
    EXPECT_TRUE(is_tracked(1));
}

TEST_F(IntakeFiles, ManyUnstoredIdsAreOfferedInPortions) {
    max_tracked_ = 50'000;
    restart();
    intake_->on_added(names(1, 40'000));
    fail();
    EXPECT_TRUE(store_.sessions.empty());
    store_.recover();
    commit();
    EXPECT_EQ(store_.sessions.size(), 40'000U);
    EXPECT_FALSE(intake_->on_store_room());
}

TEST_F(IntakeFiles, AFileOfKnownIdsAsksNothingOfADiskThatIsBusy) {
    put(1);
    put(2);
    put(3);
    commit();
    store_.room = 8;
    intake_->on_added(names(11, 4));
    EXPECT_FALSE(intake_->may_remove());
    intake_->on_added(names(1, 2));
    intake_->on_removed({hash_of(name(1))});
    EXPECT_EQ(store_.notes, 0U);
    EXPECT_TRUE(is_tracked(1)) << "it came by its name too";
    commit();
    EXPECT_TRUE(intake_->may_remove());
    intake_->on_added(names(3, 1));
    EXPECT_EQ(store_.notes, 1U);
    intake_->on_removed({hash_of(name(2))});
    EXPECT_EQ(store_.notes, 2U);
    EXPECT_EQ(store_.waiting(), 0U);
    restart();
    intake_->on_removed({hash_of(name(3))});
    EXPECT_TRUE(is_tracked(3));
}

TEST_F(IntakeFiles, LinesThatFoundNoRoomAreAskedForOnceThereIsSome) {
    max_tracked_ = 3;
    restart();
    intake_->on_added(names(1, 5));
    EXPECT_FALSE(intake_->wants_all_again()) << "there is no room yet";
    commit();
    const auto gone = forget(2);
    commit();
    EXPECT_TRUE(gone.done());
    EXPECT_TRUE(intake_->wants_all_again());
    EXPECT_FALSE(intake_->wants_all_again());
    intake_->on_added(names(1, 5));
    EXPECT_EQ(registry_->size(), 3U);
    EXPECT_FALSE(intake_->wants_all_again()) << "full again, though not all are in";
}

TEST_F(IntakeFiles, ARemovedLineForgetsUnlessAnotherSourceExists) {
    intake_->on_added(names(1, 3));
    put(2);
    deliver(event(session_created, 3, 1001));
    put(4);
    commit();
    intake_->on_removed({hash_of(name(1)), hash_of(name(2)), hash_of(name(3)), hash_of(name(4))});
    commit();
    EXPECT_FALSE(is_tracked(1));
    EXPECT_FALSE(store_.holds(name(1)));
    for (const std::size_t number : {2U, 3U, 4U}) {
        EXPECT_TRUE(is_tracked(number)) << number;
        EXPECT_TRUE(store_.holds(name(number))) << number;
    }
    // The file is no source any more: added and removed again, the session still stays.
    EXPECT_EQ(record(2).sources, source_bit(session_source::api));
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "operator"), 1);
}

TEST_F(IntakeFiles, BadLinesAreCounted) {
    intake_->on_bad_lines(17);
    EXPECT_EQ(metric("kallglot_exporter_sessions_rejected_total", "invalid_id"), 17);
}

} // namespace
} // namespace kallglot::test
