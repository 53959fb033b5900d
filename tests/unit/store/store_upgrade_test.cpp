// A store of version 1, whose remembered keys a client can compute, becomes one of the present version when it is opened.

#include "store/sqlite/database.hpp"
#include "store/sqlite/row_codec.hpp"
#include "store_fixture.hpp"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kallglot::test {
namespace {

constexpr int sessions_stored = 50;
constexpr const char* old_event = "evt_9f8e7d6c5b4a39281706";

class StoreUpgrade : public StoreFixture {
protected:
    // A store with sessions, of which number 7 has ended, and with one event.
    void SetUp() override {
        open();
        ASSERT_EQ(add_all(sessions_stored), error_code{});
        ASSERT_EQ(wait(store_->forget(id_of(7), remembered_kind::ended)), error_code{});
        close();
        turn_into_version_1();
    }

    void turn_into_version_1() {
        database db;
        ASSERT_FALSE(db.open(path()));
        const std::int64_t at = db.number("SELECT at FROM remembered").value();
        ASSERT_FALSE(
            db.run("DROP TABLE episodes; DROP TABLE remembered;"
                   "CREATE TABLE remembered(key INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind "
                   "INTEGER NOT NULL);"
                   "CREATE TABLE old AS SELECT * FROM state;"
                   "DROP TABLE state;"
                   "CREATE TABLE state(\n"
                   "    one INTEGER PRIMARY KEY, stored INTEGER NOT NULL, wall INTEGER NOT NULL, "
                   "steady INTEGER NOT NULL,\n"
                   "    boot INTEGER NOT NULL, corruption INTEGER NOT NULL, sum INTEGER NOT NULL\n"
                   ");"
                   "INSERT INTO state SELECT one,stored,wall,steady,boot,corruption,0 FROM old;"
                   "DROP TABLE old; PRAGMA user_version=1"));
        remember(db, id_of(7).view(), at, remembered_kind::ended);
        remember(db, old_event, at, remembered_kind::event);
        time_mark mark;
        mark.stored = {db.number("SELECT stored FROM state").value()};
        mark.wall = api_time(milliseconds(db.number("SELECT wall FROM state").value()));
        mark.steady = steady_time(steady_duration(db.number("SELECT steady FROM state").value()));
        mark.boot = std::bit_cast<std::uint64_t>(db.number("SELECT boot FROM state").value());
        run(db, "UPDATE state SET sum=?1", version_1_sum_of(mark));
    }

    static void remember(database& db,
                         std::string_view text,
                         std::int64_t at,
                         remembered_kind kind) {
        const remembered_row row{{version_1_key(text), 0}, {at}, kind};
        statement insert;
        ASSERT_FALSE(db.prepare(insert, "INSERT INTO remembered VALUES(?1,?2,?3)"));
        insert.bind(1, std::bit_cast<std::int64_t>(row.key.low));
        insert.bind(2, at);
        insert.bind(3, version_1_kind_and_sum(row));
        ASSERT_TRUE(insert.run());
    }

    static void run(database& db, const char* sql, std::int64_t value) {
        statement query;
        ASSERT_FALSE(db.prepare(query, sql));
        query.bind(1, value);
        ASSERT_TRUE(query.run());
    }

    [[nodiscard]] bool remembers_old(std::string_view text) const {
        return owner_->remembered.contains(key_of_version_1(owner_->secret, version_1_key(text)),
                                           clock_.now());
    }
};

TEST_F(StoreUpgrade, SessionsAndRememberedKeysAreKept) {
    open();
    EXPECT_FALSE(store_->opening().damage);
    EXPECT_FALSE(store_->opening().is_new);
    EXPECT_EQ(owner_->sessions.size(), sessions_stored - 1U);
    EXPECT_TRUE(remembers_old(id_of(7).view()));
    EXPECT_TRUE(remembers_old(old_event));
    EXPECT_FALSE(remembers_old(id_of(8).view()));
    // The secret is made once: a restart finds the same keys.
    const hash_key secret = owner_->secret;
    EXPECT_NE(secret, hash_key{});
    reopen();
    EXPECT_EQ(owner_->secret, secret);
    EXPECT_TRUE(remembers_old(id_of(7).view()));
    close();
}

TEST_F(StoreUpgrade, TheFileIsOfThePresentVersion) {
    open();
    close();
    database db;
    ASSERT_FALSE(db.open(path()));
    EXPECT_EQ(db.number("PRAGMA user_version"), 3);
    EXPECT_EQ(db.number("SELECT count(*) FROM remembered WHERE high<>0"), 2);
    EXPECT_EQ(db.number("SELECT count(*) FROM sessions"), sessions_stored - 1);
}

TEST_F(StoreUpgrade, AnIdThatIsRegisteredAgainIsNoLongerRememberedByItsOldKey) {
    open();
    ASSERT_EQ(wait(add(7)), error_code{});
    reopen();
    EXPECT_FALSE(remembers_old(id_of(7).view()));
    EXPECT_TRUE(stored(7));
    close();
}

TEST_F(StoreUpgrade, OldKeysAreForgottenAfterThreeDays) {
    open();
    outlive_keys();
    EXPECT_EQ(owner_->remembered.size(), 0U);
    close();
}

TEST_F(StoreUpgrade, ADamagedStoreOfVersion1IsSalvaged) {
    {
        database db;
        ASSERT_FALSE(db.open(path()));
        ASSERT_FALSE(db.run("UPDATE sessions SET since=since+1 WHERE id LIKE '%_12'"));
    }
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->unreadable, 1U);
    EXPECT_EQ(owner_->sessions.size(), sessions_stored - 2U);
    EXPECT_TRUE(remembers_old(id_of(7).view()));
    close();
}

// Keys made with a secret that is lost match no text, so they would only take space.
TEST_F(StoreUpgrade, WithoutItsSecretAStoreForgetsItsKeys) {
    open();
    ASSERT_EQ(wait(store_->forget(id_of(9), remembered_kind::ended)), error_code{});
    const hash_key secret = owner_->secret;
    close();
    {
        database db;
        ASSERT_FALSE(db.open(path()));
        ASSERT_FALSE(db.run("UPDATE state SET low=low+1"));
    }
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_NE(owner_->secret, secret);
    EXPECT_EQ(owner_->sessions.size(), sessions_stored - 2U);
    EXPECT_EQ(owner_->remembered.size(), 0U);
    close();
}

} // namespace
} // namespace kallglot::test
