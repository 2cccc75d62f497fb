-- Our own tables. Run under the lock only, so that nothing races; run again, it changes nothing.
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {ledger} (
    seq bigint PRIMARY KEY,
    event text NOT NULL,
    phase text NOT NULL,
    migration text,
    digest text,
    up_checksum text,
    down_checksum text,
    verify_checksum text,
    settings text,
    proof text,
    plan text,
    run text,
    reverts bigint,
    statement bigint,
    actor text,
    db_user text,
    git_author text,
    git_commit text,
    ci text,
    host text,
    tool text,
    reason text,
    ticket text,
    approvals text,
    started_at text NOT NULL,
    finished_at text,
    duration_ms bigint,
    rows_affected bigint,
    schema_before text,
    schema_after text,
    detail text,
    prev_hash text NOT NULL UNIQUE,
    hash text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS {script} (
    checksum text PRIMARY KEY,
    body text NOT NULL
);
CREATE TABLE IF NOT EXISTS {journal} (
    step bigint NOT NULL,
    statement bigint NOT NULL,
    run text NOT NULL,
    token bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('intent', 'done')),
    checksum text NOT NULL,
    digest_before text,
    digest_after text,
    backend text,
    PRIMARY KEY (step, statement)
);
CREATE TABLE IF NOT EXISTS {lease} (
    id integer PRIMARY KEY CHECK (id = 1),
    token bigint NOT NULL,
    run text,
    actor text,
    host text,
    pid text,
    what text,
    backend text,
    since timestamptz
);
INSERT INTO {lease} (id, token) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
CREATE OR REPLACE FUNCTION {schema}.switchback_only_grows() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $function$
BEGIN
    RAISE EXCEPTION 'the table % only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$function$;
CREATE OR REPLACE TRIGGER switchback_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {ledger}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.switchback_only_grows();
CREATE OR REPLACE TRIGGER switchback_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {script}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.switchback_only_grows();
ALTER TABLE {ledger} ENABLE ALWAYS TRIGGER switchback_only_grows;
ALTER TABLE {script} ENABLE ALWAYS TRIGGER switchback_only_grows;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {ledger}, {script}, {journal}, {lease} FROM PUBLIC;
