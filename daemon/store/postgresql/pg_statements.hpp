/// The text of each statement about sessions, as data. What their parameters and rows mean is in session_calls.
///
/// Two kinds write, and no third.
///
///   registered   a caller waits for it. Not fenced, so any replica may run it, and repeated without harm. Its commit waits for
///                a standby.
///   observed     made by the owner of a shard. Fenced: it writes nothing of a shard whose owner or epoch has changed. Its commit
///                waits for this server's disk only, so a standby that hangs never holds the row of a shard.
///
/// Rules that each text keeps:
///
/// * **What is acknowledged was locked.** `DO NOTHING` and a read acknowledge what a standby may not have: they write nothing to
///   the log, so their commit waits for nothing. `DO UPDATE … WHERE` that is false locks the row, and its commit waits.
/// * The observed ones set `synchronous_commit` by `set_config` inside the statement: `SET LOCAL` would need several statements,
///   which are bounded to one call of the system (pg_batch), and hundreds of rows are longer than that.
/// * They skip rows that a registration holds. It may wait for a standby for minutes.
/// * Sessions are locked by (shard, id), keys in their order. Registered statements lock keys before sessions, observed ones after.
///   Only an id that is tracked and remembered as gone at once could make them wait for each other; the server then rejects one.
/// * A row of an answer is a number: the position in the arrays of the question, from 1.
/// * Names have their schema (but `unnest`, which with several arrays is syntax), since poolers share `search_path`. Nothing is prepared or set for longer than a transaction.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_STATEMENTS_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_STATEMENTS_HPP

#include "store/postgresql/pg_batch.hpp"

namespace kallglot::statements {

/// The row that names the cluster.
inline constexpr pg_sql read_meta = R"sql(
SELECT cluster, hash_key, schema, oldest_code, shards FROM kallglot.meta)sql";

/// The number of the first right that is missing; 0 is that of two columns of meta.
inline constexpr pg_sql find_missing_right = R"sql(
SELECT n FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t(name, allowed, n)
WHERE NOT pg_catalog.has_table_privilege('kallglot.' || name, allowed)
UNION ALL
SELECT 0 WHERE NOT pg_catalog.has_column_privilege('kallglot.meta', 'clock_era', 'UPDATE')
    OR NOT pg_catalog.has_column_privilege('kallglot.meta', 'clock_correction', 'UPDATE')
ORDER BY 1 LIMIT 1)sql";

/// Registered: ids and events.
///
/// An id that is remembered as gone is left out, unless `revive` forgets that first. Of a known id only sources are added: the rest is
/// its owner's. An event counts once, by its key; if two replicas get it at once, the second waits for the first.
///
/// A row in the inbox even for the owner's own ids: the shard may change hands between "it is mine" and this commit, and the new
/// owner has restored the shard by then.
///
/// `added` is found by the moment of registration, so two replicas that add an id in the same millisecond may both say so.
inline constexpr pg_sql enter = R"sql(
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::smallint[], $4::uuid[], $5::smallint[], $6::int[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
        $14::uuid[], $15::smallint[], $16::bigint[], $17::bigint[]) WITH ORDINALITY
    AS t(shard, id, sources, key, revive, facts, since, slack, seen, created, started, missing, call_ms, event, what, at, made_at, n)),
revived AS (
    DELETE FROM kallglot.remembered r USING asked a WHERE a.revive = 1 AND r.key = a.key RETURNING r.key),
fresh AS (
    INSERT INTO kallglot.remembered AS r (key, kind, at)
    SELECT event, 2, $18 FROM asked WHERE event IS NOT NULL AND (SELECT count(*) FROM revived) >= 0 ORDER BY event
    ON CONFLICT (key) DO UPDATE SET at = r.at WHERE false RETURNING key),
welcome AS MATERIALIZED (
    SELECT a.* FROM asked a
    WHERE (a.event IS NULL OR a.event IN (SELECT key FROM fresh))
    AND (a.revive = 1 OR NOT EXISTS (SELECT FROM kallglot.remembered r WHERE r.key = a.key AND r.at >= $19))),
entered AS (
    INSERT INTO kallglot.sessions AS s (shard, id, sources, facts, since, slack, seen, created, started, missing, call_ms,
        registered, written)
    SELECT DISTINCT ON (shard, id) shard, id, (bit_or(sources) OVER (PARTITION BY shard, id))::smallint, facts, since, slack, seen,
        created, started, missing, call_ms, $18, $18
    FROM welcome ORDER BY shard, id, n
    ON CONFLICT (shard, id) DO UPDATE SET sources = s.sources | excluded.sources, written = excluded.written
        WHERE s.sources & excluded.sources <> excluded.sources
    RETURNING shard, id, registered = $18 AS added),
posted AS (
    INSERT INTO kallglot.inbox (shard, id, what, at, made_at)
    SELECT shard, id, what, at, made_at FROM welcome WHERE event IS NOT NULL
    UNION ALL
    SELECT shard, id, CASE WHEN added THEN 0 ELSE 1 END, $18::bigint, NULL FROM entered)
SELECT a.n, CASE
    WHEN a.event IS NOT NULL AND a.event NOT IN (SELECT key FROM fresh) THEN 1
    WHEN w.n IS NULL THEN 2
    WHEN e.id IS NULL THEN 3
    WHEN NOT e.added THEN 4
    ELSE 5 END
FROM asked a LEFT JOIN welcome w USING (n) LEFT JOIN entered e ON e.shard = w.shard AND e.id = w.id)sql";

/// Registered: an operator's wish that its owner forgets a session.
inline constexpr pg_sql ask_to_forget = R"sql(
INSERT INTO kallglot.inbox (shard, id, what, at) VALUES ($1::smallint, $2::text, 5, $3::bigint))sql";

/// Observed: new states, sessions that are forgotten, and rows of the inbox whose effect is in this transaction.
///
/// The lock of a shard is shared: a takeover waits for it, and the new owner reads after the takeover, so nothing lands behind
/// its back. A key is remembered only with a row that is deleted, so that no key waits for one that a registration holds.
///
/// Answers: part 0: a shard that is held. Part 1 and 2: a state and a departure, each 0 if its shard is not held, 1 if its row is in
/// use, 2 if there is none, 3 if it was written.
inline constexpr pg_sql observe = R"sql(
WITH mode AS MATERIALIZED (
    SELECT pg_catalog.set_config('synchronous_commit', 'local', true) AS commits,
        pg_catalog.set_config('lock_timeout', '2s', true) AS locks),
held AS MATERIALIZED (
    SELECT s.shard FROM kallglot.shards s
    JOIN unnest($2::smallint[], $3::bigint[]) AS h(shard, epoch) ON h.shard = s.shard AND h.epoch = s.epoch
    CROSS JOIN mode WHERE s.owner = $1::bigint AND mode.commits = 'local' AND mode.locks = '2s' ORDER BY s.shard FOR SHARE OF s),
asked AS MATERIALIZED (
    SELECT * FROM unnest($4::smallint[], $5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::bigint[],
        $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]) WITH ORDINALITY
    AS t(shard, id, facts, since, slack, seen, created, started, missing, call_ms, n)),
leaving AS MATERIALIZED (
    SELECT * FROM unnest($15::smallint[], $16::text[], $17::uuid[], $18::smallint[], $19::bigint[])
    WITH ORDINALITY AS t(shard, id, key, kind, at, n)),
locked AS MATERIALIZED (
    SELECT s.shard, s.id FROM kallglot.sessions s
    JOIN (SELECT shard, id FROM asked UNION ALL SELECT shard, id FROM leaving) a ON a.shard = s.shard AND a.id = s.id
    WHERE s.shard IN (SELECT shard FROM held) ORDER BY s.shard, s.id FOR NO KEY UPDATE OF s SKIP LOCKED),
present AS MATERIALIZED (
    SELECT s.shard, s.id FROM kallglot.sessions s
    JOIN (SELECT shard, id FROM asked UNION ALL SELECT shard, id FROM leaving) a ON a.shard = s.shard AND a.id = s.id),
changed AS (
    UPDATE kallglot.sessions s SET facts = a.facts, since = a.since, slack = a.slack, seen = a.seen, created = a.created,
        started = a.started, missing = a.missing, call_ms = a.call_ms, written = $14::bigint
    FROM asked a JOIN locked l USING (shard, id) WHERE s.shard = a.shard AND s.id = a.id RETURNING a.n),
removed AS (
    DELETE FROM kallglot.sessions s USING leaving d JOIN locked l USING (shard, id) WHERE s.shard = d.shard AND s.id = d.id
    RETURNING d.n),
kept AS (
    INSERT INTO kallglot.remembered AS r (key, kind, at)
    SELECT d.key, d.kind, d.at FROM leaving d JOIN removed USING (n) WHERE d.key IS NOT NULL ORDER BY d.key
    ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, at = excluded.at),
consumed AS (
    DELETE FROM kallglot.inbox i USING unnest($20::smallint[], $21::bigint[]) AS d(shard, seq)
    WHERE i.shard = d.shard AND i.seq = d.seq AND i.shard IN (SELECT shard FROM held))
SELECT 0, shard, 0 FROM held
UNION ALL
SELECT 1, n, CASE WHEN shard NOT IN (SELECT shard FROM held) THEN 0 WHEN n IN (SELECT n FROM changed) THEN 3
    WHEN (shard, id) IN (SELECT shard, id FROM present) THEN 1 ELSE 2 END FROM asked
UNION ALL
SELECT 2, n, CASE WHEN shard NOT IN (SELECT shard FROM held) THEN 0 WHEN n IN (SELECT n FROM removed) THEN 3
    WHEN (shard, id) IN (SELECT shard, id FROM present) THEN 1 ELSE 2 END FROM leaving)sql";

/// One slice of one shard, in the order of ids. With several shards at once there would be no index for that order.
inline constexpr pg_sql read_sessions = R"sql(
SELECT id, sources, facts, since, slack, seen, created, started, missing, call_ms FROM kallglot.sessions
WHERE shard = $1::smallint AND id > $2::text ORDER BY id LIMIT $3::int)sql";

/// Rows of the inbox with the session that each is about, if there is one. In any order: numbers are given before the commit.
inline constexpr pg_sql read_inbox = R"sql(
SELECT i.shard, i.seq, i.what, i.at, i.made_at, i.id, s.sources, s.facts, s.since, s.slack, s.seen, s.created, s.started, s.missing,
    s.call_ms
FROM kallglot.inbox i LEFT JOIN kallglot.sessions s ON s.shard = i.shard AND s.id = i.id
WHERE i.shard = ANY($1::smallint[]) LIMIT $2::int)sql";

/// Keys that are too old, a bounded number of them. Whichever replica does it, the result is the same.
inline constexpr pg_sql purge = R"sql(
WITH mode AS MATERIALIZED (SELECT pg_catalog.set_config('synchronous_commit', 'local', true) AS commits)
DELETE FROM kallglot.remembered WHERE (SELECT commits FROM mode) = 'local'
    AND ctid = ANY(ARRAY(SELECT ctid FROM kallglot.remembered WHERE at < $1::bigint LIMIT $2::int)))sql";

} // namespace kallglot::statements

#endif
