// Tests with damaged files: no crash, and no loss without a report.

#include "kallglot/tracking/stored_session.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_engine.hpp"
#include "store_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

namespace kallglot::test {
namespace {

constexpr int sessions_stored = 300;

/// Number of damaged files; more in a manual run: KALLGLOT_DAMAGED_FILES=10000.
int rounds() {
    const char* const text = std::getenv("KALLGLOT_DAMAGED_FILES");
    return text == nullptr ? 60 : std::atoi(text);
}

class StoreDamage : public StoreFixture {
protected:
    void SetUp() override {
        open();
        ASSERT_EQ(add_all(sessions_stored), error_code{});
        store_->forget(id_of(7), remembered_kind::ended);
        close();
        good_ = read(path());
    }

    static std::string read(const std::string& name) {
        std::ifstream file(name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    void write(const std::string& bytes) const {
        std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
    }

    /// Writes and opens a damaged file, checks that each loss is reported, and cleans up.
    void check(const std::string& bytes) {
        write(bytes);
        const error_code error = try_open();
        const store_opening opening = store_->opening();
        if (error) {
            // Refused: another version or program. The file is unchanged.
            EXPECT_EQ(opening.fault.kind, store_fault_kind::refused);
            EXPECT_EQ(read(path()), bytes);
        } else if (opening.damage) {
            EXPECT_EQ(read(opening.damage->kept_as), bytes);
            EXPECT_GT(opening.last_corruption, 0);
            EXPECT_FALSE(opening.damage->reason.empty());
        }
        store_.reset();
        if (!error) {
            open();
            EXPECT_FALSE(store_->opening().damage);
            if (!opening.damage) {
                EXPECT_EQ(owner_->sessions.size(), sessions_stored - 1U);
                EXPECT_EQ(owner_->remembered.size(), 1U);
            } else {
                EXPECT_EQ(owner_->sessions.size(), opening.damage->saved);
                EXPECT_GT(store_->counted().last_corruption_timestamp, 0);
            }
            for (const auto& [id, record] : owner_->sessions) {
                EXPECT_EQ(record.status, session_status::ending);
                EXPECT_TRUE(id.view().starts_with("sess_7Yb3nQ4kTz9VxL2mW8cR5dJ_"));
            }
            close();
        }
        for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
            std::filesystem::remove(entry.path());
        }
    }

    std::string good_;
};

TEST_F(StoreDamage, AnEmptyFileIsNotTakenForANewStore) {
    write("");
    ASSERT_EQ(try_open(), error_code{});
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->saved, 0U);
    EXPECT_TRUE(std::filesystem::exists(store_->opening().damage->kept_as));
}

TEST_F(StoreDamage, RandomBytesAreMovedAside) {
    std::mt19937 random(1);
    std::string bytes(good_.size(), '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    check(bytes);
}

TEST_F(StoreDamage, ATruncatedFileIsDetected) {
    std::mt19937 random(2);
    for (int i = 0; i < 20; ++i) {
        check(good_.substr(0, random() % good_.size()));
    }
}

TEST_F(StoreDamage, FlippedBitsAreDetected) {
    std::mt19937 random(3);
    for (int i = 0; i < rounds(); ++i) {
        std::string bytes = good_;
        for (auto flips = random() % 3 + 1; flips > 0; --flips) {
            const std::size_t at = random() % bytes.size();
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
        }
        SCOPED_TRACE(i);
        check(bytes);
    }
}

TEST_F(StoreDamage, ReadableRowsAreSaved) {
    // One letter of one id: SQLite does not detect it, the checksum of the row does.
    std::string bytes = good_;
    const std::size_t at = bytes.find("sess_7Yb3nQ4kTz9VxL2mW8cR5dJ_123");
    ASSERT_NE(at, std::string::npos);
    bytes[at + 10] = 'X';
    write(bytes);
    ASSERT_EQ(try_open(), error_code{});
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_GE(store_->opening().damage->saved, sessions_stored - 3U);
    EXPECT_GE(store_->opening().damage->unreadable, 1U);
    store_.reset();
    open();
    EXPECT_FALSE(stored(123));
    EXPECT_TRUE(stored(122));
    EXPECT_TRUE(stored(299));
    close();
}

// What this program did not write into the schema may run on each statement, or never end.
TEST_F(StoreDamage, AForeignSchemaIsSetAsideAndItsSessionsAreSaved) {
    constexpr const char* endless =
        " AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)";
    for (const std::string& change : {
             std::string("CREATE TRIGGER t AFTER INSERT ON sessions BEGIN"
                         " DELETE FROM sessions WHERE id=new.id; END"),
             std::string("CREATE TRIGGER t AFTER DELETE ON remembered BEGIN"
                         " DELETE FROM sessions; END"),
             std::string("CREATE VIEW v AS SELECT 1"),
             std::string("CREATE INDEX i ON sessions(since)"),
             std::string("CREATE TABLE more(a)"),
             std::string("ALTER TABLE sessions ADD COLUMN more"),
             std::string("ANALYZE"),
             std::string("PRAGMA user_version=0"),
             "DROP TABLE remembered; CREATE VIEW remembered(high,low,at,kind)"
                 + std::string(endless) + " SELECT i,i,i,i FROM n",
             "DROP TABLE state; CREATE VIEW "
             "state(one,stored,wall,steady,boot,corruption,sum,high,low)"
                 + std::string(endless) + " SELECT i,i,i,i,i,i,i,i,i FROM n WHERE i<0",
         }) {
        SCOPED_TRACE(change);
        write(good_);
        {
            database db;
            ASSERT_FALSE(db.open(path()));
            ASSERT_FALSE(db.run(change.c_str()));
        }
        open();
        ASSERT_TRUE(store_->opening().damage);
        EXPECT_EQ(store_->opening().damage->saved, sessions_stored - 1U);
        EXPECT_EQ(owner_->sessions.size(), sessions_stored - 1U);
        EXPECT_EQ(wait(add(1000)), error_code{});
        reopen();
        EXPECT_TRUE(stored(1000));
        EXPECT_FALSE(store_->opening().damage);
        close();
        for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
            std::filesystem::remove(entry.path());
        }
    }
}

// Sessions out of a table that never ends: none can be saved, and the start does not wait for it.
TEST_F(StoreDamage, AnEndlessTableOfSessionsDelaysNoStart) {
    write(good_);
    {
        database db;
        ASSERT_FALSE(db.open(path()));
        ASSERT_FALSE(db.run(
            "DROP TABLE sessions; CREATE VIEW sessions(id,facts,since,slack,seen,created,started,"
            "missing,call,sum) AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)"
            " SELECT 'a'||i,i,i,i,i,i,i,i,i,i FROM n"));
    }
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(owner_->sessions.size(), 0U);
    close();
}

TEST_F(StoreDamage, TheTimeOfTheLastDamageSurvivesRestarts) {
    check(std::string(4096, 'x'));
    write(std::string(4096, 'x'));
    open();
    const double told = store_->counted().last_corruption_timestamp;
    EXPECT_GT(told, 1.7e9);
    reopen();
    EXPECT_EQ(store_->counted().last_corruption_timestamp, told);
    close();
}

TEST_F(StoreDamage, AnInterruptedRepairIsFinished) {
    // The state after a crash when the new store was complete: the old one still has the name.
    std::filesystem::rename(path(), path() + "-salvaged");
    write(std::string(4096, 'x'));
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(read(store_->opening().damage->kept_as), std::string(4096, 'x'));
    EXPECT_EQ(owner_->sessions.size(), sessions_stored - 1U);
    close();
}

TEST_F(StoreDamage, AnInterruptedReplacementIsFinished) {
    std::filesystem::rename(path(), path() + "-ready");
    write("an old store");
    std::ofstream(path() + "-wal") << "an old log";
    std::ofstream(path() + "-next") << "never complete";
    open();
    EXPECT_FALSE(store_->opening().damage);
    EXPECT_EQ(owner_->sessions.size(), sessions_stored - 1U);
    EXPECT_FALSE(std::filesystem::exists(path() + "-ready"));
    close();
}

TEST_F(StoreDamage, ATwiceInterruptedRepairUsesOneName) {
    const std::string aside = path() + ".damaged-1";
    std::filesystem::rename(path(), path() + "-salvaged");
    // The log has been moved already, the file has not.
    std::ofstream(aside + "-wal") << "its log";
    write("damaged");
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->kept_as, aside);
    EXPECT_EQ(read(aside), "damaged");
    EXPECT_EQ(read(aside + "-wal"), "its log");
    close();
    // Both have been moved.
    std::filesystem::rename(path(), path() + "-salvaged");
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->kept_as, aside);
    EXPECT_EQ(read(aside), "damaged");
    close();
    // Another damage gets another name.
    check(std::string(4096, 'x'));
}

TEST_F(StoreDamage, ARepairDiscardsAnOlderReadyStore) {
    std::filesystem::rename(path(), path() + "-salvaged");
    write("damaged");
    std::ofstream(path() + "-ready") << "older";
    open();
    EXPECT_EQ(owner_->sessions.size(), sessions_stored - 1U);
    EXPECT_FALSE(std::filesystem::exists(path() + "-ready"));
    close();
}

TEST_F(StoreDamage, ARewriteAfterDamageRemovesTheReadyStore) {
    {
        sqlite_engine engine(path());
        const stored_timeline line = *engine.open(clock_.wall_now(), clock_.now()).line;
        const time_mark mark = line.mark(clock_.wall_now(), clock_.now());
        // The replacement stops after its first step: a folder represents a log that cannot be removed.
        ASSERT_FALSE(engine.begin_rewrite(mark, false));
        std::filesystem::remove(path() + "-wal");
        std::filesystem::create_directory(path() + "-wal");
        EXPECT_TRUE(engine.finish_rewrite());
        EXPECT_TRUE(std::filesystem::exists(path() + "-ready"));
        std::filesystem::remove(path() + "-wal");
        ASSERT_FALSE(engine.begin_rewrite(mark, true));
        ASSERT_FALSE(engine.append(std::vector{to_stored(id_of(77), record(), line)}));
        EXPECT_FALSE(engine.finish_rewrite());
    }
    open();
    EXPECT_TRUE(stored(77));
    close();
}

TEST_F(StoreDamage, ARewriteWithoutItsFileLeavesTheStore) {
    {
        sqlite_engine engine(path());
        const stored_timeline line = *engine.open(clock_.wall_now(), clock_.now()).line;
        auto group = std::make_shared<change_group>();
        group->changes.emplace_back(put_session{to_stored(id_of(77), record(), line)});
        ASSERT_FALSE(engine.commit({group}).fault);
        ASSERT_FALSE(engine.begin_rewrite(line.mark(clock_.wall_now(), clock_.now()), false));
        std::filesystem::remove(path() + "-next");
        EXPECT_TRUE(engine.finish_rewrite());
    }
    open();
    EXPECT_TRUE(stored(77));
    close();
}

TEST_F(StoreDamage, ADamagedKeyDoesNotDiscardOthers) {
    open();
    for (int i = 10; i < 19; ++i) {
        store_->forget(id_of(i), remembered_kind::ended);
    }
    close();
    database db;
    ASSERT_FALSE(db.open(path()));
    ASSERT_FALSE(
        db.run("UPDATE remembered SET kind=kind+16"
               " WHERE high=(SELECT min(high) FROM remembered)"));
    db.close();
    open();
    ASSERT_TRUE(store_->opening().damage);
    EXPECT_EQ(store_->opening().damage->unreadable, 1U);
    EXPECT_EQ(owner_->remembered.size(), 9U);
    close();
}

TEST_F(StoreDamage, ANewerVersionIsRefusedUnchanged) {
    std::string bytes = good_;
    bytes[63] = 4;
    write(bytes);
    EXPECT_EQ(try_open(), errc::store_unavailable);
    EXPECT_EQ(store_->opening().fault.kind, store_fault_kind::refused);
    EXPECT_NE(store_->opening().fault.text.find("newer version"), std::string::npos);
    EXPECT_EQ(read(path()), bytes);
    EXPECT_FALSE(std::filesystem::exists(path() + "-wal"));
}

TEST_F(StoreDamage, ADatabaseOfAnotherProgramIsRefusedUnchanged) {
    std::string bytes = good_;
    bytes[71] = 'x';
    write(bytes);
    EXPECT_EQ(try_open(), errc::store_unavailable);
    EXPECT_EQ(store_->opening().fault.kind, store_fault_kind::refused);
    EXPECT_EQ(read(path()), bytes);
}

} // namespace
} // namespace kallglot::test
