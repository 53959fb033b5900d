// Stuck episodes in the store: they survive a restart and a rewrite, and a store of the version before gets their table.

#include "failing_disk.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/row_codec.hpp"
#include "store_fixture.hpp"

#include <cstdint>
#include <vector>

namespace kallglot::test {
namespace {

class StoreEpisodes : public StoreFixture {
protected:
    [[nodiscard]] stuck_episode episode(episode_number number, bool is_open) const {
        stuck_episode made(id_of(static_cast<int>(number)));
        made.number = number;
        made.status = session_status::connecting;
        made.mode = session_mode::ai_agent;
        made.provider = session_provider::twilio;
        made.threshold = seconds(30);
        made.since = clock_.now() - minutes(3);
        made.since_slack_ms = 2'100;
        made.confirmed = clock_.now() - minutes(2);
        if (!is_open) {
            made.outcome = episode_outcome::recovered;
            made.until = clock_.now() - minutes(1);
            made.until_slack_ms = 250;
        }
        return made;
    }

    using minutes = std::chrono::minutes;

    [[nodiscard]] std::vector<stuck_episode> restored() const {
        std::vector<stuck_episode> all;
        episode_number cursor = 0;
        owner_->episodes.list(cursor, 100, all);
        return all;
    }

    /// Everything before the next commit is durable after it.
    void settle(int number) { ASSERT_EQ(wait(add(number)), error_code{}); }
};

TEST_F(StoreEpisodes, SurviveARestart) {
    open();
    const stuck_episode is_open = episode(1, true);
    const stuck_episode is_over = episode(2, false);
    store_->note_episode(is_open);
    store_->note_episode(is_over);
    reopen();
    EXPECT_EQ(restored(), (std::vector<stuck_episode>{is_open, is_over}));
    close();
}

TEST_F(StoreEpisodes, AnEndReplacesTheBeginningAndARemovedOneIsGone) {
    open();
    store_->note_episode(episode(1, true));
    store_->note_episode(episode(2, true));
    settle(1);
    const stuck_episode is_over = episode(1, false);
    store_->note_episode(is_over);
    store_->forget_episode(2);
    reopen();
    EXPECT_EQ(restored(), std::vector<stuck_episode>{is_over});
    close();
}

TEST_F(StoreEpisodes, ADamagedRowIsSalvagedAroundAndSessionsStay) {
    open();
    settle(1);
    for (const episode_number number : {1U, 2U, 3U}) {
        store_->note_episode(episode(number, false));
    }
    close();
    {
        database db;
        ASSERT_FALSE(db.open(path()));
        ASSERT_FALSE(db.run("UPDATE episodes SET since=since+1 WHERE number=2"));
    }
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->unreadable, 1U);
    EXPECT_TRUE(stored(1));
    ASSERT_EQ(restored().size(), 2U);
    EXPECT_EQ(restored()[1].number, 3U);
    close();
}

TEST_F(StoreEpisodes, AreHeldWhileTheDiskIsFull) {
    failing_disk disk;
    open();
    store_->note_episode(episode(1, true));
    settle(1);
    disk.write_code = SQLITE_FULL;
    EXPECT_EQ(wait(add(2)), errc::store_unavailable);
    const stuck_episode is_over = episode(1, false);
    store_->note_episode(is_over);
    disk.write_code = SQLITE_OK;
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    reopen();
    EXPECT_EQ(restored(), std::vector<stuck_episode>{is_over});
    close();
}

TEST_F(StoreEpisodes, AreRewrittenFromMemoryAfterAFailedSync) {
    failing_disk disk;
    open();
    const stuck_episode kept = episode(3, false);
    owner_->episodes.restore(no_slot, kept);
    settle(1);
    disk.sync_to_fail = 1;
    EXPECT_EQ(wait(add(2)), errc::store_unavailable);
    ASSERT_TRUE(run_until([&] { return owner_->recoveries == 1; }));
    reopen();
    EXPECT_EQ(restored(), std::vector<stuck_episode>{kept});
    close();
}

// The version before had the same tables without this one.
TEST_F(StoreEpisodes, AStoreOfVersion2IsUpgraded) {
    open();
    ASSERT_EQ(add_all(50), error_code{});
    ASSERT_EQ(wait(store_->forget(id_of(7), remembered_kind::ended)), error_code{});
    const hash_key secret = owner_->secret;
    close();
    {
        database db;
        ASSERT_FALSE(db.open(path()));
        ASSERT_FALSE(db.run("DROP TABLE episodes; PRAGMA user_version=2"));
    }
    open();
    EXPECT_FALSE(store_->opening().damage);
    EXPECT_FALSE(store_->opening().is_new);
    EXPECT_EQ(owner_->sessions.size(), 49U);
    EXPECT_EQ(owner_->secret, store_->opening().secret);
    EXPECT_NE(owner_->secret, hash_key{});
    EXPECT_EQ(secret, owner_->secret);
    EXPECT_TRUE(owner_->remembered.contains(key_of_session(secret, id_of(7).view()), clock_.now()));
    store_->note_episode(episode(1, true));
    reopen();
    EXPECT_EQ(restored().size(), 1U);
    close();
    database db;
    ASSERT_FALSE(db.open(path()));
    EXPECT_EQ(db.number("PRAGMA user_version"), 3);
}

TEST_F(StoreEpisodes, ADamagedStoreOfVersion2IsSalvaged) {
    open();
    ASSERT_EQ(add_all(50), error_code{});
    close();
    {
        database db;
        ASSERT_FALSE(db.open(path()));
        ASSERT_FALSE(
            db.run("DROP TABLE episodes; PRAGMA user_version=2;"
                   "UPDATE sessions SET since=since+1 WHERE id LIKE '%_12'"));
    }
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->unreadable, 1U);
    EXPECT_EQ(owner_->sessions.size(), 49U);
    close();
}

TEST(EpisodeRow, ItsNumbersNeverChange) {
    stored_episode row(session_id::parse("sess_01JQ7N0C5VXB3HEZ4M8K").value());
    row.number = 42;
    row.status = session_status::connecting;
    row.mode = session_mode::ai_agent;
    row.provider = session_provider::telnyx;
    row.outcome = episode_outcome::lost;
    row.threshold_ms = 30'000;
    row.since = {1'776'160'000'000};
    row.confirmed = {1'776'160'031'000};
    row.until = stored_time{1'776'160'100'000};
    EXPECT_EQ(pack(row), 0x3121);
    stored_episode read(row.id);
    ASSERT_TRUE(unpack(0x3121, read));
    EXPECT_EQ(read.outcome, episode_outcome::lost);
    EXPECT_EQ(read.provider, session_provider::telnyx);
    EXPECT_FALSE(unpack(0x4121, read));
    EXPECT_FALSE(unpack(0x1'3121, read));
    // Every value is part of the sum.
    const std::int64_t sum = sum_of(row);
    row.until_slack = 1;
    EXPECT_NE(sum_of(row), sum);
}

} // namespace
} // namespace kallglot::test
