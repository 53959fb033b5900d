/// The tables in a database: made at the first start, and checked at every connect before anything is written.
///
/// Their versions: `schema` is what is there, and only grows. `oldest_code` says which exporters may still write, so that an
/// old one refuses tables that it would damage. A newer schema alone is no reason to refuse: it only added what old code
/// does not use.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_SCHEMA_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_SCHEMA_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/keyed_hash.hpp"
#include "kallglot/base/time.hpp"
#include "store/postgresql/pg_batch.hpp"
#include "store/postgresql/pg_connection.hpp"
#include "store/postgresql/pg_fault.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kallglot {

/// Of this program. It rises with each change of what a row means.
inline constexpr std::int64_t code_version = 1;

/// The file schema.sql: for people, and for psql.
[[nodiscard]] std::string_view schema_sql() noexcept;

/// Its statements: one transaction, which changes nothing where the tables are.
[[nodiscard]] std::span<const pg_sql> schema_statements() noexcept;

/// What the tables are made with. The same for their whole life: other values mean another cluster.
struct cluster_identity {
    text_hash cluster;        ///< random
    hash_key secret;          ///< of the hashes of ids and events
    std::uint16_t shards = 0; ///< divides 256
    std::int64_t schema = 0;  ///< what is there

    [[nodiscard]] bool operator==(const cluster_identity&) const = default;
};

struct schema_opening {
    /// The database did not answer, or another exporter was making the tables at the same time: to be repeated over a new
    /// connection.
    pg_fault fault;
    /// For people: an operator has to change something first. Empty: the tables can be used.
    std::string refusal;
    cluster_identity identity;
    bool is_new = false; ///< the tables were made by this call
};

/// Checks the tables, and makes them if there are none.
///
/// Errors:   both members above are values; without either the tables can be used.
/// Cancel:   as pg_connection::run.
/// Lifetime: the connection outlives the call, and nothing else uses it meanwhile.
[[nodiscard]] task<schema_opening> open_schema(pg_connection* connection, steady_time deadline);

} // namespace kallglot

#endif
