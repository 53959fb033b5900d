// What every engine promises of rows, against each of them: SQLite's and PostgreSQL's.

#include "real_database.hpp"
#include "store/postgresql/session_calls.hpp"
#include "store/sqlite/sqlite_engine.hpp"
#include "stored_rows.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::test {
namespace {

/// What a store asks of an engine. Each call is durable when it returns.
class engine_under_test {
public:
    virtual ~engine_under_test() = default;

    /// A new session, or one that comes back.
    virtual void add(const std::vector<stored_session>& rows) = 0;
    virtual void change(const std::vector<stored_session>& rows) = 0;
    virtual void forget(int number, std::optional<remembered_kind> remember, stored_time at) = 0;
    virtual void apply_event(const std::string& event, int number, stored_time at) = 0;
    virtual void purge(stored_time before) = 0;
    [[nodiscard]] virtual bool remembers(const remembered_key& key) = 0;
    [[nodiscard]] virtual std::vector<stored_session> read() = 0;
    [[nodiscard]] virtual hash_key secret() const = 0;
    /// As a restart of the daemon.
    virtual void reopen() = 0;
};

class sqlite_under_test final : public engine_under_test {
public:
    sqlite_under_test() { open(); }

    ~sqlite_under_test() override { close(); }

    void add(const std::vector<stored_session>& rows) override {
        change_group group;
        for (const stored_session& row : rows) {
            group.changes.emplace_back(put_session{row});
        }
        commit(std::move(group));
    }

    void change(const std::vector<stored_session>& rows) override {
        change_group group;
        for (const stored_session& row : rows) {
            group.changes.emplace_back(update_session{row});
        }
        commit(std::move(group));
    }

    void forget(int number, std::optional<remembered_kind> remember, stored_time at) override {
        change_group group;
        group.changes.emplace_back(remove_session{id_of(number)});
        if (remember) {
            group.changes.emplace_back(
                remembered_row{key_of_session(secret_, id_of(number).view()), at, *remember});
        }
        commit(std::move(group));
    }

    void apply_event(const std::string& event, int, stored_time at) override {
        change_group group;
        group.changes.emplace_back(
            remembered_row{key_of_event(secret_, event), at, remembered_kind::event});
        commit(std::move(group));
    }

    void purge(stored_time before) override { commit({{}, std::nullopt, before}); }

    bool remembers(const remembered_key& key) override {
        std::vector<remembered_row> rows;
        EXPECT_FALSE(engine_->read_keys(rows));
        return std::ranges::find(rows, key, &remembered_row::key) != rows.end();
    }

    std::vector<stored_session> read() override {
        std::vector<stored_session> rows;
        EXPECT_FALSE(engine_->read({}, 1000, rows));
        return rows;
    }

    [[nodiscard]] hash_key secret() const override { return secret_; }

    void reopen() override {
        close();
        open();
    }

private:
    void open() {
        engine_ =
            std::make_unique<sqlite_engine>((folder_.path() / "sessions.db").string(), "boot");
        const store_opening opening = engine_->open(api_time(milliseconds(now.ms)), steady_);
        ASSERT_FALSE(opening.fault) << opening.fault.text;
        secret_ = opening.secret;
    }

    void close() {
        EXPECT_FALSE(
            engine_->close(stored_timeline::begin(api_time(milliseconds(now.ms)), steady_, 1)
                               .mark(api_time(milliseconds(now.ms)), steady_)));
    }

    void commit(change_group group) {
        const commit_outcome outcome =
            engine_->commit({std::make_shared<const change_group>(std::move(group))});
        EXPECT_FALSE(outcome.fault) << outcome.fault.text;
    }

    temporary_folder folder_;
    std::unique_ptr<sqlite_engine> engine_;
    steady_time steady_{std::chrono::hours(1000)};
    hash_key secret_;
};

class EnginesAgree : public RealDatabase, public ::testing::WithParamInterface<const char*> {
protected:
    class postgresql_under_test;

    [[nodiscard]] bool on_postgresql() const { return GetParam() == std::string("PostgreSQL"); }

    void SetUp() override;

    void TearDown() override {
        engine_.reset();
        if (on_postgresql()) {
            RealDatabase::TearDown();
        }
    }

    std::unique_ptr<engine_under_test> engine_;
};

/// The owner of all shards, over one connection.
class EnginesAgree::postgresql_under_test final : public engine_under_test {
public:
    explicit postgresql_under_test(EnginesAgree& test) : test_(test) {
        open();
        EXPECT_EQ(ask("UPDATE kallglot.shards SET owner = 7, epoch = 1"), "");
        for (shard_number shard = 0; shard < identity_.shards; ++shard) {
            held_.epochs[shard] = 1;
        }
    }

    void add(const std::vector<stored_session>& rows) override {
        std::vector<entry> entries;
        for (const stored_session& row : rows) {
            entries.push_back({.row = row, .revive = true, .event = std::nullopt});
        }
        enter(entries, now);
    }

    void change(const std::vector<stored_session>& rows) override { observe({rows, {}, {}}); }

    void forget(int number, std::optional<remembered_kind> remember, stored_time at) override {
        observe({{}, {departure{id_of(number), remember, at}}, {}});
    }

    void apply_event(const std::string& event, int number, stored_time at) override {
        entry made{.row = fresh(number), .revive = false, .event = std::nullopt};
        made.event = event_entry{key_of_event(identity_.secret, event),
                                 inbox_reason::touched,
                                 at,
                                 std::nullopt};
        enter({made}, at);
    }

    void purge(stored_time before) override {
        EXPECT_FALSE(test_.run(*connection_, calls_->purge(before, 1000)).fault);
    }

    bool remembers(const remembered_key& key) override {
        char text[40];
        std::snprintf(text,
                      sizeof(text),
                      "%016llx%016llx",
                      static_cast<unsigned long long>(key.high),
                      static_cast<unsigned long long>(key.low));
        return ask(std::string("SELECT count(*) FROM kallglot.remembered WHERE key = '") + text
                   + "'")
               == "1";
    }

    std::vector<stored_session> read() override {
        std::vector<stored_session> rows;
        // A question for each of 256 empty shards would take seconds.
        std::istringstream shards(ask(
            "SELECT coalesce(string_agg(DISTINCT shard::text, ' '), '') FROM kallglot.sessions"));
        for (int shard = 0; shards >> shard;) {
            session_slice slice;
            EXPECT_FALSE(test_
                             .run(*connection_,
                                  calls_->read_sessions(static_cast<shard_number>(shard),
                                                        {},
                                                        1000,
                                                        now,
                                                        &slice))
                             .fault);
            EXPECT_EQ(slice.unreadable, 0U);
            rows.insert(rows.end(), slice.rows.begin(), slice.rows.end());
        }
        std::ranges::sort(rows, {}, &stored_session::id);
        return rows;
    }

    [[nodiscard]] hash_key secret() const override { return identity_.secret; }

    void reopen() override { open(); }

private:
    void open() {
        connection_ = test_.connect();
        const schema_opening opening = test_.open_tables(*connection_);
        ASSERT_EQ(opening.refusal, "");
        identity_ = opening.identity;
        calls_ = std::make_unique<session_calls>(identity_);
    }

    void enter(const std::vector<entry>& entries, stored_time at) {
        std::vector<entry_result> results;
        EXPECT_TRUE(is_durable(test_.run(*connection_, calls_->enter(entries, at, &results))));
    }

    void observe(const observations& changes) {
        observation_results results;
        EXPECT_FALSE(
            test_.run(*connection_, calls_->observe(held_, changes, later(100), &results)).fault);
        EXPECT_EQ(results.held.count(), held_.epochs.size());
    }

    EnginesAgree& test_;
    std::unique_ptr<pg_connection> connection_;
    std::unique_ptr<session_calls> calls_;
    cluster_identity identity_;
    held_shards held_{incarnation{7}, {}};
};

void EnginesAgree::SetUp() {
    if (!on_postgresql()) {
        engine_ = std::make_unique<sqlite_under_test>();
        return;
    }
    RealDatabase::SetUp();
    if (!IsSkipped()) {
        engine_ = std::make_unique<postgresql_under_test>(*this);
    }
}

INSTANTIATE_TEST_SUITE_P(Engines,
                         EnginesAgree,
                         ::testing::Values("SQLite", "PostgreSQL"),
                         [](const auto& engine) { return std::string(engine.param); });

TEST_P(EnginesAgree, EveryColumnSurvivesARestart) {
    std::vector<stored_session> rows{fresh(1), filled(2), filled(3), filled(4)};
    // The ends of what a column holds.
    rows[2].slack = 0;
    rows[2].seen = 0;
    rows[2].missing_count = std::numeric_limits<std::uint8_t>::max();
    rows[2].call_ms = std::numeric_limits<std::uint32_t>::max();
    rows[2].sources = all_sources();
    rows[3].slack = std::nullopt;
    rows[3].created = later(-365LL * 86'400'000);
    // The longest id, with every kind of character, which sorts first.
    rows.insert(rows.begin(), filled(0));
    rows.front().id =
        session_id::parse("-_09AZaz" + std::string(session_id::max_size - 8, 'Z')).value();
    engine_->add(rows);
    EXPECT_EQ(engine_->read(), rows);
    const hash_key secret = engine_->secret();
    engine_->reopen();
    EXPECT_EQ(engine_->read(), rows);
    EXPECT_EQ(engine_->secret(), secret);
}

TEST_P(EnginesAgree, AChangeReplacesARowAndAddsNone) {
    engine_->add({fresh(1), filled(2)});
    stored_session emptied = fresh(2);
    emptied.since = later(5);
    engine_->change({filled(1), emptied, filled(3)});
    EXPECT_EQ(engine_->read(), (std::vector<stored_session>{filled(1), emptied}));
}

TEST_P(EnginesAgree, AForgottenIdIsGoneAndRememberedIfAsked) {
    engine_->add({fresh(1), fresh(2), fresh(3)});
    engine_->forget(1, std::nullopt, later(1));
    engine_->forget(2, remembered_kind::ended, later(2));
    engine_->change({filled(1), filled(2)});
    engine_->reopen();
    EXPECT_EQ(engine_->read(), std::vector<stored_session>{fresh(3)});
    const hash_key secret = engine_->secret();
    EXPECT_FALSE(engine_->remembers(key_of_session(secret, id_of(1).view())));
    EXPECT_TRUE(engine_->remembers(key_of_session(secret, id_of(2).view())));

    // An operator registers it again.
    engine_->add({fresh(2)});
    EXPECT_EQ(engine_->read(), (std::vector<stored_session>{fresh(2), fresh(3)}));
    EXPECT_FALSE(engine_->remembers(key_of_session(secret, id_of(2).view())));
}

TEST_P(EnginesAgree, KeysOfEventsAreKeptUntilTheyArePurged) {
    engine_->add({fresh(1), fresh(2)});
    const hash_key secret = engine_->secret();
    engine_->apply_event("evt_9f8e7d6c5b4a39281706_first", 1, later(10));
    engine_->apply_event("evt_9f8e7d6c5b4a39281706_second", 1, later(20));
    engine_->forget(2, remembered_kind::not_found, later(10));
    const remembered_key first = key_of_event(secret, "evt_9f8e7d6c5b4a39281706_first");
    const remembered_key second = key_of_event(secret, "evt_9f8e7d6c5b4a39281706_second");
    const remembered_key gone = key_of_session(secret, id_of(2).view());
    engine_->purge(later(10));
    EXPECT_TRUE(engine_->remembers(first));
    EXPECT_TRUE(engine_->remembers(gone));
    engine_->purge(later(11));
    EXPECT_FALSE(engine_->remembers(first));
    EXPECT_FALSE(engine_->remembers(gone));
    EXPECT_TRUE(engine_->remembers(second));
}

} // namespace
} // namespace kallglot::test
