#include "store/postgresql/pg_schema.hpp"

#include "kallglot/cluster/cluster_view.hpp"
#include "store/postgresql/pg_statements.hpp"

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace kallglot {

namespace {

/// A right that the role needs. The rights are those of schema.sql.
struct needed_right {
    std::string_view right;
    std::string_view table;
};

constexpr std::array needed_rights{
    needed_right{"SELECT", "meta"},       needed_right{"SELECT", "account"},
    needed_right{"UPDATE", "account"},    needed_right{"SELECT", "replicas"},
    needed_right{"INSERT", "replicas"},   needed_right{"UPDATE", "replicas"},
    needed_right{"DELETE", "replicas"},   needed_right{"SELECT", "shards"},
    needed_right{"UPDATE", "shards"},     needed_right{"SELECT", "sessions"},
    needed_right{"INSERT", "sessions"},   needed_right{"UPDATE", "sessions"},
    needed_right{"DELETE", "sessions"},   needed_right{"SELECT", "inbox"},
    needed_right{"INSERT", "inbox"},      needed_right{"DELETE", "inbox"},
    needed_right{"SELECT", "remembered"}, needed_right{"INSERT", "remembered"},
    needed_right{"UPDATE", "remembered"}, needed_right{"DELETE", "remembered"},
};

/// The row of meta.
struct meta_row {
    std::optional<text_hash> cluster;
    std::optional<text_hash> secret;
    std::optional<std::int64_t> schema;
    std::optional<std::int64_t> oldest_code;
    std::optional<std::int64_t> shards;
};

pg_batch reading_meta(std::optional<meta_row>* into) {
    pg_batch batch;
    batch.add(statements::read_meta, {}, [into](const pg_row& row) {
        into->emplace(
            meta_row{row.uuid(0), row.uuid(1), row.integer(2), row.integer(3), row.integer(4)});
    });
    return batch;
}

pg_batch making_tables() {
    pg_batch batch;
    for (const pg_sql& each : schema_statements()) {
        batch.add(each);
    }
    return batch;
}

pg_batch finding_missing_right(std::optional<std::size_t>* into) {
    std::vector<std::string> tables;
    std::vector<std::string> rights;
    for (const needed_right& each : needed_rights) {
        tables.emplace_back(each.table);
        rights.emplace_back(each.right);
    }
    pg_parameters parameters;
    parameters.add(tables).add(rights);
    pg_batch batch;
    batch.add(statements::find_missing_right, std::move(parameters), [into](const pg_row& row) {
        into->emplace(static_cast<std::size_t>(row.integer(0).value_or(0)));
    });
    return batch;
}

// Why these tables cannot be used; empty if they can.
std::string refusal_of(const std::optional<meta_row>& meta, cluster_identity& identity) {
    constexpr auto most_shards = static_cast<std::int64_t>(max_shards);
    if (!meta || !meta->cluster || !meta->secret || !meta->schema || !meta->oldest_code
        || !meta->shards || *meta->schema < 1 || *meta->shards < 1 || *meta->shards > most_shards
        || most_shards % *meta->shards != 0) {
        return "kallglot.meta is not a table of this program";
    }
    // As with a newer file of SQLite.
    if (*meta->oldest_code > code_version) {
        return "the tables are used by newer versions of this program, and this version must not "
               "write to them";
    }
    identity = {.cluster = *meta->cluster,
                .secret = {meta->secret->low, meta->secret->high},
                .shards = static_cast<std::uint16_t>(*meta->shards),
                .schema = *meta->schema};
    return {};
}

std::string refusal_of(const std::optional<std::size_t>& missing) {
    if (!missing) {
        return {};
    }
    // Numbers begin at 1.
    const needed_right lacks = *missing >= 1 && *missing <= needed_rights.size()
                                   ? needed_rights[*missing - 1]
                                   : needed_right{"UPDATE (clock_era, clock_correction)", "meta"};
    std::string text = "the role lacks a right: GRANT ";
    text.append(lacks.right).append(" ON kallglot.").append(lacks.table);
    return text;
}

bool is_absent(const pg_fault& fault) noexcept {
    // undefined_table, invalid_schema_name
    return fault.kind == pg_fault_kind::rejected
           && (fault.sqlstate == "42P01" || fault.sqlstate == "3F000");
}

bool is_forbidden(const pg_fault& fault) noexcept {
    // insufficient_privilege
    return fault.kind == pg_fault_kind::rejected && fault.sqlstate == "42501";
}

} // namespace

task<schema_opening> open_schema(pg_connection* connection, steady_time deadline) {
    schema_opening opening;
    std::optional<meta_row> meta;
    pg_batch question = reading_meta(&meta);
    pg_outcome outcome = co_await connection->run(std::move(question), deadline);
    // The first start of the first exporter. If another one does the same at this moment, one of the two is rejected.
    if (is_absent(outcome.fault)) {
        pg_batch making = making_tables();
        outcome = co_await connection->run(std::move(making), deadline);
        if (is_forbidden(outcome.fault)) {
            opening.refusal =
                "there are no tables, and the role may not make them: make them as another role, "
                "and grant this one its rights";
            co_return opening;
        }
        if (!outcome.fault) {
            opening.is_new = true;
            question = reading_meta(&meta);
            outcome = co_await connection->run(std::move(question), deadline);
        }
    }
    if (is_forbidden(outcome.fault)) {
        opening.refusal =
            "the role has no right to read kallglot.meta: grant it the rights of the exporters";
        co_return opening;
    }
    if (outcome.fault) {
        opening.fault = outcome.fault;
        co_return opening;
    }
    opening.refusal = refusal_of(meta, opening.identity);
    if (!opening.refusal.empty()) {
        co_return opening;
    }
    // Now, and not at the first id that cannot be stored.
    std::optional<std::size_t> missing;
    question = finding_missing_right(&missing);
    outcome = co_await connection->run(std::move(question), deadline);
    if (is_absent(outcome.fault)) {
        opening.refusal =
            "a table of the schema kallglot is missing: make the tables again, those that are "
            "there stay";
        co_return opening;
    }
    opening.fault = outcome.fault;
    opening.refusal = refusal_of(missing);
    co_return opening;
}

} // namespace kallglot
