// The tables: made at the first start, checked at every connect.

#include "store/postgresql/pg_schema.hpp"

#include "real_database.hpp"

#include <array>
#include <string>

namespace kallglot::test {
namespace {

class PgSchema : public RealDatabase {
protected:
    void SetUp() override {
        RealDatabase::SetUp();
        if (server_) {
            EXPECT_EQ(ask("ALTER DATABASE kallglot OWNER TO kallglot"), "");
        }
    }

    /// The tables are made by the superuser, as the text of the file says.
    void make_tables_as_another_role() { EXPECT_EQ(ask(std::string(schema_sql())), ""); }

    static void grant_rights() {
        // The statements of the comment in schema.sql.
        const std::string text(schema_sql());
        std::string grants;
        for (std::size_t at = text.find("--   GRANT"); at != std::string::npos;
             at = text.find("--   GRANT", at + 1)) {
            grants += text.substr(at + 2, text.find('\n', at) - at - 2) + "\n";
        }
        ASSERT_FALSE(grants.empty());
        EXPECT_EQ(ask(grants), "");
    }
};

TEST_F(PgSchema, TheFirstStartMakesTheTables) {
    const auto connection = connect();
    const schema_opening first = open_tables(*connection);
    EXPECT_FALSE(first.fault) << first.fault.sqlstate.text();
    EXPECT_EQ(first.refusal, "");
    EXPECT_TRUE(first.is_new);
    EXPECT_EQ(first.identity.shards, 256);
    EXPECT_EQ(first.identity.schema, 1);
    EXPECT_NE(first.identity.secret, hash_key());
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.shards WHERE owner IS NULL AND epoch = 0"), "256");

    const schema_opening second = open_tables(*connection);
    EXPECT_FALSE(second.is_new);
    EXPECT_EQ(second.identity, first.identity);
}

TEST_F(PgSchema, ASecondRunChangesNothing) {
    const auto connection = connect();
    const schema_opening before = open_tables(*connection);
    EXPECT_EQ(ask("UPDATE kallglot.shards SET owner = 7, epoch = 3 WHERE shard = 9"), "");
    make_tables_as_another_role();
    EXPECT_EQ(open_tables(*connection).identity, before.identity);
    EXPECT_EQ(ask("SELECT epoch FROM kallglot.shards WHERE owner = 7"), "3");
}

TEST_F(PgSchema, ARoleThatMayNotMakeTablesIsNamedAsTheReason) {
    EXPECT_EQ(ask("ALTER DATABASE kallglot OWNER TO superuser"), "");
    const auto connection = connect();
    const schema_opening opening = open_tables(*connection);
    EXPECT_FALSE(opening.fault);
    EXPECT_NE(opening.refusal.find("may not make them"), std::string::npos) << opening.refusal;
}

TEST_F(PgSchema, TheGrantsOfTheFileAreEnoughAndNoneCanBeMissing) {
    EXPECT_EQ(ask("ALTER DATABASE kallglot OWNER TO superuser"), "");
    make_tables_as_another_role();
    const auto connection = connect();
    EXPECT_NE(open_tables(*connection).refusal.find("no right to read"), std::string::npos);
    grant_rights();
    EXPECT_EQ(open_tables(*connection).refusal, "");
    EXPECT_NE(ask("SELECT has_table_privilege('kallglot', 'kallglot.meta', 'INSERT')"), "t");

    EXPECT_EQ(ask("REVOKE DELETE ON kallglot.inbox FROM kallglot"), "");
    EXPECT_EQ(open_tables(*connection).refusal,
              "the role lacks a right: GRANT DELETE ON kallglot.inbox");
    EXPECT_EQ(ask("GRANT DELETE ON kallglot.inbox TO kallglot"), "");
    EXPECT_EQ(ask("REVOKE UPDATE (clock_era) ON kallglot.meta FROM kallglot"), "");
    EXPECT_EQ(
        open_tables(*connection).refusal,
        "the role lacks a right: GRANT UPDATE (clock_era, clock_correction) ON kallglot.meta");
}

TEST_F(PgSchema, NewerTablesAreRefusedOnlyIfTheySaySo) {
    const auto connection = connect();
    ASSERT_EQ(open_tables(*connection).refusal, "");
    EXPECT_EQ(ask("UPDATE kallglot.meta SET schema = 9"), "");
    EXPECT_EQ(open_tables(*connection).refusal, "");
    EXPECT_EQ(open_tables(*connection).identity.schema, 9);
    EXPECT_EQ(ask("UPDATE kallglot.meta SET oldest_code = 2"), "");
    EXPECT_NE(open_tables(*connection).refusal.find("newer versions"), std::string::npos);
}

TEST_F(PgSchema, TablesThatAreNotOursAreRefused) {
    const auto connection = connect();
    ASSERT_EQ(open_tables(*connection).refusal, "");
    for (const char* const shards : {"0", "3", "257", "-256"}) {
        EXPECT_EQ(ask(std::string("UPDATE kallglot.meta SET shards = ") + shards), "");
        EXPECT_EQ(open_tables(*connection).refusal, "kallglot.meta is not a table of this program");
    }
    EXPECT_EQ(ask("DELETE FROM kallglot.meta"), "");
    EXPECT_EQ(open_tables(*connection).refusal, "kallglot.meta is not a table of this program");
}

TEST_F(PgSchema, AMissingTableIsReported) {
    const auto connection = connect();
    ASSERT_EQ(open_tables(*connection).refusal, "");
    EXPECT_EQ(ask("DROP TABLE kallglot.inbox"), "");
    EXPECT_NE(open_tables(*connection).refusal.find("is missing"), std::string::npos);
}

// The loser of a race is rejected by a unique index of the catalog. Over a new connection it finds the tables.
TEST_F(PgSchema, TwoExportersMakeOneSetOfTables) {
    const auto one = connect();
    const auto other = connect();
    std::array<schema_opening, 2> openings;
    task_group group(loop_.executor(), loop::failure());
    group.spawn("one", open_into(one.get(), openings.data()));
    group.spawn("other", open_into(other.get(), &openings[1]));
    EXPECT_TRUE(loop_.run_until([&] { return group.size() == 0; }));
    loop_.poll();
    EXPECT_TRUE(!openings[0].fault || !openings[1].fault);
    const auto again = connect();
    const schema_opening later = open_tables(*again);
    EXPECT_EQ(later.refusal, "");
    for (const schema_opening& each : openings) {
        EXPECT_EQ(each.refusal, "");
        EXPECT_TRUE(each.fault || each.identity == later.identity);
    }
    EXPECT_EQ(ask("SELECT count(*) FROM kallglot.meta"), "1");
}

TEST_F(PgSchema, TheStatementsAreThoseOfTheText) {
    std::string joined;
    for (const pg_sql& each : schema_statements()) {
        joined += std::string(each.text()) + ";\n\n";
    }
    joined.pop_back();
    EXPECT_EQ(joined, schema_sql());
    pg_batch batch;
    for (const pg_sql& each : schema_statements()) {
        batch.add(each);
    }
    EXPECT_TRUE(batch.is_one_message()) << batch.byte_count();
}

} // namespace
} // namespace kallglot::test
