// The statements about sessions, against a real server: what they change, what they refuse, and what may be acknowledged.

#include "store/postgresql/session_calls.hpp"

#include "real_database.hpp"
#include "stored_rows.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kallglot::test {
namespace {

constexpr incarnation owner{7'000'000'007};
constexpr std::int64_t epoch = 4;

entry plain(const stored_session& row, bool revive = false) {
    return {.row = row, .revive = revive, .event = std::nullopt};
}

using results = std::vector<entry_result>;

class SessionCalls : public RealDatabase {
protected:
    void SetUp() override {
        RealDatabase::SetUp();
        if (IsSkipped()) {
            return;
        }
        connection_ = connect();
        const schema_opening opening = open_tables(*connection_);
        ASSERT_EQ(opening.refusal, "");
        ASSERT_FALSE(opening.fault) << opening.fault.sqlstate.text();
        identity_ = opening.identity;
        calls_ = std::make_unique<session_calls>(identity_);
        EXPECT_EQ(ask("UPDATE kallglot.shards SET owner = 7000000007, epoch = 4"), "");
    }

    results enter(const std::vector<entry>& entries, stored_time at = now) {
        results made;
        const pg_outcome outcome = run(*connection_, calls_->enter(entries, at, &made));
        EXPECT_TRUE(is_durable(outcome)) << outcome.fault.sqlstate.text();
        return made;
    }

    entry event_of(int number, const std::string& event, inbox_reason reason) {
        entry made = plain(fresh(number, session_source::webhook));
        made.event = event_entry{key_of_event(identity_.secret, event), reason, later(5), later(2)};
        return made;
    }

    [[nodiscard]] held_shards all_shards() const {
        held_shards held{owner, {}};
        for (shard_number shard = 0; shard < identity_.shards; ++shard) {
            held.epochs[shard] = epoch;
        }
        return held;
    }

    observation_results observe(const observations& changes, const held_shards& held) {
        observation_results made;
        const pg_outcome outcome =
            run(*connection_, calls_->observe(held, changes, later(100), &made));
        EXPECT_FALSE(outcome.fault) << outcome.fault.sqlstate.text();
        return made;
    }

    observation_results observe(const observations& changes) {
        return observe(changes, all_shards());
    }

    observations leaving(int number, std::optional<remembered_kind> remember) const {
        return {{}, {departure{id_of(number), remember, later(50)}}, {}};
    }

    std::vector<stored_session> read(int number) {
        session_slice slice;
        EXPECT_FALSE(
            run(*connection_,
                calls_->read_sessions(calls_->shard_of(id_of(number)), {}, 100, now, &slice))
                .fault);
        unreadable_ = slice.unreadable;
        return slice.rows;
    }

    std::vector<inbox_row> inbox() {
        std::vector<inbox_row> rows;
        EXPECT_FALSE(
            run(*connection_, calls_->read_inbox(all_shards(), 100'000, now, &rows)).fault);
        return rows;
    }

    std::unique_ptr<pg_connection> connection_;
    std::unique_ptr<session_calls> calls_;
    cluster_identity identity_;
    std::size_t unreadable_ = 0;
};

TEST_F(SessionCalls, AnIdIsAddedOnceAndItsSourcesAreCollected) {
    EXPECT_EQ(enter({plain(filled(1)), plain(fresh(2)), plain(fresh(2, session_source::file))}),
              (results{entry_result::added, entry_result::added, entry_result::added}));
    EXPECT_EQ(read(1), std::vector<stored_session>{filled(1)});
    EXPECT_EQ(read(2).at(0).sources,
              source_bit(session_source::api) | source_bit(session_source::file));

    // Of a known id only the sources change: the rest is its owner's.
    stored_session other = fresh(1, session_source::webhook);
    EXPECT_EQ(enter({plain(other), plain(fresh(2))}, later(1)),
              (results{entry_result::source_added, entry_result::known}));
    stored_session both = filled(1);
    both.sources |= source_bit(session_source::webhook);
    EXPECT_EQ(read(1), std::vector<stored_session>{both});

    // The owner learns of each change, and of no repetition.
    std::vector<std::pair<std::string, inbox_reason>> seen;
    for (const inbox_row& row : inbox()) {
        EXPECT_EQ(row.number.shard, calls_->shard_of(row.id));
        seen.emplace_back(row.id.view(), row.reason);
    }
    std::ranges::sort(seen);
    const std::string one(id_of(1).view());
    const std::string two(id_of(2).view());
    EXPECT_EQ(seen,
              (std::vector<std::pair<std::string, inbox_reason>>{{one, inbox_reason::added},
                                                                 {one, inbox_reason::source},
                                                                 {two, inbox_reason::added}}));
}

TEST_F(SessionCalls, AnEventCountsOnceWithTheTimeOfItsReceipt) {
    const entry started = event_of(1, "evt_9f8e7d6c5b4a39281706_started", inbox_reason::started);
    const entry ended = event_of(1, "evt_9f8e7d6c5b4a39281706_ended", inbox_reason::ended);
    EXPECT_EQ(enter({started, ended}), (results{entry_result::added, entry_result::added}));
    EXPECT_EQ(enter({started}, later(1)), results{entry_result::repeated});
    std::vector<inbox_reason> reasons;
    for (const inbox_row& row : inbox()) {
        reasons.push_back(row.reason);
        if (row.reason != inbox_reason::added) {
            EXPECT_EQ(row.at, later(5));
            EXPECT_EQ(row.made_at, std::optional(later(2)));
        }
    }
    std::ranges::sort(reasons);
    EXPECT_EQ(reasons,
              (std::vector<inbox_reason>{inbox_reason::added,
                                         inbox_reason::started,
                                         inbox_reason::ended}));
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.remembered WHERE kind = 2"), "2");
}

TEST_F(SessionCalls, AnIdThatIsGoneComesBackOnlyByRequest) {
    enter({plain(fresh(1))});
    EXPECT_EQ(observe(leaving(1, remembered_kind::ended)).departures,
              std::vector<observation_result>{observation_result::written});
    EXPECT_TRUE(read(1).empty());
    EXPECT_EQ(enter({plain(fresh(1)), event_of(1, "evt_late_9f8e7d6c5b4a39281706", {})}),
              (results{entry_result::gone, entry_result::gone}));
    EXPECT_TRUE(read(1).empty());
    EXPECT_EQ(enter({plain(fresh(1), true)}), results{entry_result::added});
    EXPECT_EQ(read(1).size(), 1U);
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.remembered WHERE kind < 2"), "0");

    // After 72 hours a key is as good as gone, purged or not.
    observe(leaving(1, remembered_kind::not_found));
    constexpr std::int64_t three_days = std::int64_t{72} * 3'600'000;
    EXPECT_EQ(enter({plain(fresh(1))}, later(three_days)), results{entry_result::gone});
    EXPECT_EQ(enter({plain(fresh(1))}, later(three_days + 51)), results{entry_result::added});
}

TEST_F(SessionCalls, WritesOfTheOwnerKeepSourcesAndTheRegistration) {
    enter({plain(fresh(1, session_source::file))});
    // The owner does not know yet that another replica has just added a source.
    enter({plain(fresh(1, session_source::webhook))}, later(1));
    const stored_session seen = filled(1);
    const observation_results answer =
        observe({{seen, filled(2)}, {departure{id_of(3), remembered_kind::ended, now}}, {}});
    EXPECT_EQ(answer.held.count(), 256U);
    EXPECT_EQ(
        answer.states,
        (std::vector<observation_result>{observation_result::written, observation_result::no_row}));
    EXPECT_EQ(answer.departures, std::vector<observation_result>{observation_result::no_row});
    stored_session expected = seen;
    expected.sources = source_bit(session_source::file) | source_bit(session_source::webhook);
    EXPECT_EQ(read(1), std::vector<stored_session>{expected});
    EXPECT_EQ(ask("SELECT registered FROM kallglot.sessions"), std::to_string(now.ms));
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.remembered"), "0");
}

// By owner and by epoch: after a failover that forgot a takeover, a number may be given twice.
TEST_F(SessionCalls, NothingIsWrittenWithoutTheToken) {
    enter({plain(fresh(1)), plain(fresh(2))});
    const std::vector<inbox_row> posted = inbox();
    observations changes{{filled(1)}, {departure{id_of(2), remembered_kind::ended, now}}, {}};
    for (const inbox_row& row : posted) {
        changes.consumed.push_back(row.number);
    }
    held_shards another = all_shards();
    another.self = incarnation{8};
    held_shards older = all_shards();
    for (auto& [shard, number] : older.epochs) {
        --number;
    }
    for (const held_shards& wrong : {another, older, held_shards{owner, {}}}) {
        const observation_results answer = observe(changes, wrong);
        EXPECT_TRUE(answer.held.none());
        EXPECT_EQ(answer.states, std::vector<observation_result>{observation_result::not_held});
        EXPECT_EQ(answer.departures, std::vector<observation_result>{observation_result::not_held});
    }
    EXPECT_EQ(read(1), std::vector<stored_session>{fresh(1)});
    EXPECT_EQ(read(2).size(), 1U);
    EXPECT_EQ(inbox().size(), posted.size());
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.remembered"), "0");

    // A shard that is lost does not stop the others.
    const shard_number lost = calls_->shard_of(id_of(1));
    ASSERT_NE(lost, calls_->shard_of(id_of(2)));
    EXPECT_EQ(ask("UPDATE kallglot.shards SET epoch = 5 WHERE shard = " + std::to_string(lost)),
              "");
    const observation_results answer = observe(changes);
    EXPECT_EQ(answer.held.count(), 255U);
    EXPECT_FALSE(answer.held.test(lost));
    EXPECT_EQ(answer.states, std::vector<observation_result>{observation_result::not_held});
    EXPECT_EQ(answer.departures, std::vector<observation_result>{observation_result::written});
    EXPECT_EQ(inbox().size(), 1U);
}

TEST_F(SessionCalls, ARowOfTheInboxGoesWithItsEffect) {
    enter({plain(fresh(1)), plain(fresh(2))});
    EXPECT_TRUE(is_durable(run(*connection_, calls_->ask_to_forget(id_of(1), later(9)))));
    std::vector<inbox_row> rows = inbox();
    ASSERT_EQ(rows.size(), 3U);
    observations changes = leaving(1, std::nullopt);
    for (const inbox_row& row : rows) {
        if (row.id == id_of(1)) {
            changes.consumed.push_back(row.number);
        }
    }
    ASSERT_EQ(changes.consumed.size(), 2U);
    observe(changes);
    rows = inbox();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].id, id_of(2));
    EXPECT_EQ(rows[0].session, std::optional(fresh(2)));
    EXPECT_EQ(ask("DELETE FROM kallglot.sessions"), "");
    EXPECT_EQ(inbox().at(0).session, std::nullopt);
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.remembered"), "0");
}

TEST_F(SessionCalls, AShardIsReadInSlices) {
    const shard_number shard = calls_->shard_of(id_of(0));
    std::vector<entry> entries{plain(filled(1)), plain(filled(2))};
    std::size_t count = calls_->shard_of(id_of(1)) == shard ? 1 : 0;
    for (int i = 0; count < 7; ++i) {
        if (calls_->shard_of(id_of(i)) == shard) {
            entries.push_back(plain(filled(i)));
            ++count;
        }
    }
    enter(entries);
    session_slice slice;
    int slices = 0;
    for (std::size_t before = slice.row_count; slices == 0 || slice.row_count == before + 2;
         ++slices) {
        before = slice.row_count;
        const std::string after = slice.last;
        ASSERT_FALSE(run(*connection_, calls_->read_sessions(shard, after, 2, now, &slice)).fault);
    }
    EXPECT_GE(slices, 4);
    EXPECT_GE(slice.rows.size(), 7U);
    EXPECT_TRUE(std::ranges::is_sorted(slice.rows, std::less<>(), &stored_session::id));
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.sessions WHERE shard = " + std::to_string(shard)),
              std::to_string(slice.rows.size()));
}

TEST_F(SessionCalls, ARowThatMakesNoSenseIsLeftAlone) {
    enter({plain(filled(1))});
    // Numbers of a newer version: unknown, and the session is tracked.
    EXPECT_EQ(ask("UPDATE kallglot.sessions SET facts = facts | 15"), "");
    ASSERT_EQ(read(1).size(), 1U);
    EXPECT_EQ(read(1)[0].status, session_status::unknown);
    for (const char* const damage :
         {"sources = 64", "since = 9000000000000000000", "call_ms = -1", "id = 'a b'"}) {
        EXPECT_EQ(ask(std::string("UPDATE kallglot.sessions SET ") + damage), "");
        EXPECT_TRUE(read(1).empty()) << damage;
        EXPECT_EQ(unreadable_, 1U) << damage;
    }
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.sessions"), "1");
    EXPECT_EQ(ask("UPDATE kallglot.inbox SET what = 77"), "");
    EXPECT_TRUE(inbox().empty());
}

TEST_F(SessionCalls, OldKeysArePurgedInPortions) {
    EXPECT_EQ(ask("INSERT INTO kallglot.remembered SELECT gen_random_uuid(), 2, n FROM "
                  "generate_series(1, 250) n"),
              "");
    std::vector<std::uint64_t> counts;
    for (int i = 0; i < 3; ++i) {
        const pg_outcome outcome = run(*connection_, calls_->purge({201}, 120));
        EXPECT_FALSE(outcome.fault) << outcome.fault.sqlstate.text();
        counts.push_back(outcome.row_counts.at(0));
    }
    EXPECT_EQ(counts, (std::vector<std::uint64_t>{120, 80, 0}));
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.remembered"), "50");
}

/// A call that waits for a standby that does not exist.
class HeldCommit : public SessionCalls {
protected:
    /// Starts the call, waits until its commit waits, then interrupts that wait as a pooler or an operator does.
    pg_outcome interrupted(const std::vector<entry>& entries, results* made) {
        pg_outcome outcome;
        task_group group(loop_.executor(), loop::failure());
        group.spawn("enter",
                    run_into(connection_.get(), calls_->enter(entries, now, made), &outcome));
        loop_.poll();
        EXPECT_TRUE(commit_is_held());
        // The owner's writes wait for no standby, and skip the row that the registration holds.
        if (other_) {
            while_held();
        }
        interrupt_held_commits();
        EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
        loop_.poll();
        return outcome;
    }

    void while_held() {
        observation_results made;
        const observations changes{{filled(1), filled(2)},
                                   {departure{id_of(3), remembered_kind::ended, now}},
                                   {}};
        const pg_outcome outcome =
            run(*other_, calls_->observe(all_shards(), changes, later(100), &made));
        EXPECT_FALSE(outcome.fault) << outcome.fault.sqlstate.text();
        seen_ = made;
        // The shards are free: another replica may take them over.
        EXPECT_EQ(ask("SET synchronous_commit = off;"
                      "SELECT count(*) FROM (SELECT FROM kallglot.shards FOR UPDATE NOWAIT) s"),
                  "256");
    }

    std::unique_ptr<pg_connection> other_;
    observation_results seen_;
};

// Each answer that could be taken for a success: of a new id, of a known one, of an event, and of its repetition.
TEST_F(HeldCommit, NothingIsAcknowledgedBeforeTheStandbyHasIt) {
    enter({plain(fresh(9))});
    hold_commits();
    const entry event = event_of(1, "evt_9f8e7d6c5b4a39281706_started", inbox_reason::started);
    for (const std::vector<entry>& entries : {std::vector<entry>{plain(fresh(2))},
                                              std::vector<entry>{plain(fresh(2))},
                                              std::vector<entry>{plain(fresh(9))},
                                              std::vector<entry>{event},
                                              std::vector<entry>{event}}) {
        results made;
        const pg_outcome outcome = interrupted(entries, &made);
        EXPECT_FALSE(outcome.fault) << outcome.fault.sqlstate.text();
        EXPECT_FALSE(is_durable(outcome)) << "entry " << static_cast<int>(made.at(0));
    }
    let_commits_go();
    EXPECT_EQ(enter({plain(fresh(2)), event}),
              (results{entry_result::known, entry_result::repeated}));
    EXPECT_EQ(inbox().size(), 4U);
}

TEST_F(HeldCommit, TheOwnersWritesDoNotWaitForAStandby) {
    other_ = connect();
    enter({plain(fresh(1)), plain(fresh(2)), plain(fresh(3))});
    hold_commits();
    results made;
    interrupted({plain(fresh(2, session_source::file)), plain(fresh(3, session_source::file))},
                &made);
    EXPECT_EQ(
        seen_.states,
        (std::vector<observation_result>{observation_result::written, observation_result::busy}));
    EXPECT_EQ(seen_.departures, std::vector<observation_result>{observation_result::busy});
    EXPECT_FALSE(run(*connection_, calls_->purge(now, 10)).fault);
    EXPECT_EQ(read(1), std::vector<stored_session>{filled(1)});
}

} // namespace
} // namespace kallglot::test
