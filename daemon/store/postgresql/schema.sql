-- The tables that several exporters share, for PostgreSQL 13 or newer, schema 1. An exporter makes them at its first start
-- if its role may. If it may not, run this in a database of its own, as the role that is to own the tables, and grant
-- the exporters' role (here `kallglot`) the rights below. It must not own the tables then, and needs no right to change
-- them. Safe to run again: what is there stays as it is.
--
--   GRANT USAGE ON SCHEMA kallglot TO kallglot;
--   GRANT SELECT ON ALL TABLES IN SCHEMA kallglot TO kallglot;
--   GRANT INSERT, UPDATE, DELETE ON kallglot.replicas, kallglot.sessions, kallglot.remembered TO kallglot;
--   GRANT INSERT, DELETE ON kallglot.inbox TO kallglot;
--   GRANT UPDATE ON kallglot.account, kallglot.shards TO kallglot;
--   GRANT UPDATE (clock_era, clock_correction) ON kallglot.meta TO kallglot;
--
-- All moments are milliseconds of cluster time. No decision depends on the database's clock.

BEGIN;

CREATE SCHEMA IF NOT EXISTS kallglot;

-- One row, read at every connect.
CREATE TABLE IF NOT EXISTS kallglot.meta(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    cluster uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    hash_key uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(), -- of the hash of ids: no client can fill one shard
    schema smallint NOT NULL DEFAULT 1,
    oldest_code smallint NOT NULL DEFAULT 1, -- exporters whose code is older must not write
    shards smallint NOT NULL DEFAULT 256,
    clock_era int NOT NULL DEFAULT 0,
    clock_correction bigint NOT NULL DEFAULT 0);

INSERT INTO kallglot.meta DEFAULT VALUES ON CONFLICT (one) DO NOTHING;

-- One row: the lock of all that is decided by rows of others, and what the replicas know of the account's API.
CREATE TABLE IF NOT EXISTS kallglot.account(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    paused_until bigint NOT NULL DEFAULT 0,
    verdict_key int NOT NULL DEFAULT 0,
    verdict_state smallint NOT NULL DEFAULT 0,
    number bigint NOT NULL DEFAULT 0)
    WITH (fillfactor = 20);

INSERT INTO kallglot.account DEFAULT VALUES ON CONFLICT (one) DO NOTHING;

CREATE TABLE IF NOT EXISTS kallglot.replicas(
    incarnation bigint PRIMARY KEY,
    node text NOT NULL UNIQUE,
    beat bigint NOT NULL DEFAULT 0,
    lease int NOT NULL,
    share_ppm int NOT NULL DEFAULT 0 CHECK (share_ppm BETWEEN 0 AND 1000000),
    want_urgent int NOT NULL DEFAULT 0,
    want_routine int NOT NULL DEFAULT 0,
    key int NOT NULL DEFAULT 0,
    tracked int NOT NULL DEFAULT 0,
    draining boolean NOT NULL DEFAULT false,
    code smallint NOT NULL,
    version text NOT NULL)
    WITH (fillfactor = 20, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE IF NOT EXISTS kallglot.shards(
    shard smallint PRIMARY KEY,
    owner bigint,
    epoch bigint NOT NULL DEFAULT 0)
    WITH (fillfactor = 50);

INSERT INTO kallglot.shards(shard)
    SELECT n FROM kallglot.meta, pg_catalog.generate_series(0, meta.shards - 1) AS s(n)
    ON CONFLICT (shard) DO NOTHING;

-- No other index, ever: one on a column that changes would end HOT updates.
CREATE TABLE IF NOT EXISTS kallglot.sessions(
    shard smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    sources smallint NOT NULL, -- any exporter adds a bit
    facts int NOT NULL, -- packed; only the owner writes it and what follows
    since bigint NOT NULL,
    slack bigint,
    seen bigint,
    created bigint,
    started bigint,
    missing bigint,
    call_ms bigint, -- 32 bits without a sign
    registered bigint NOT NULL,
    written bigint NOT NULL,
    PRIMARY KEY (shard, id))
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1);

-- Nearly empty. Rows are consumed by deletion: a lower number may be committed later.
CREATE TABLE IF NOT EXISTS kallglot.inbox(
    shard smallint NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id text COLLATE "C" NOT NULL,
    what smallint NOT NULL,
    at bigint NOT NULL,
    made_at bigint,
    PRIMARY KEY (shard, seq))
    WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1);

-- Hashes of sessions that are gone and of events, for 72 hours.
CREATE TABLE IF NOT EXISTS kallglot.remembered(
    key uuid PRIMARY KEY,
    kind smallint NOT NULL,
    at bigint NOT NULL);

CREATE INDEX IF NOT EXISTS remembered_at ON kallglot.remembered USING brin (at);

COMMIT;
