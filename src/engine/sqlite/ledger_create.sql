-- All or nothing, whatever ends the process in between; and of two that are first, one waits for the other.
BEGIN IMMEDIATE;

CREATE TABLE IF NOT EXISTS main.{ledger} (
    seq             INTEGER PRIMARY KEY,
    event           TEXT NOT NULL,
    phase           TEXT NOT NULL,
    migration       TEXT,
    digest          TEXT,
    up_checksum     TEXT,
    down_checksum   TEXT,
    verify_checksum TEXT,
    settings        TEXT,
    proof           TEXT,
    plan            TEXT,
    run             TEXT,
    reverts         INTEGER,
    statement       INTEGER,
    actor           TEXT,
    db_user         TEXT,
    git_author      TEXT,
    git_commit      TEXT,
    ci              TEXT,
    host            TEXT,
    tool            TEXT,
    reason          TEXT,
    ticket          TEXT,
    approvals       TEXT,
    started_at      TEXT NOT NULL,
    finished_at     TEXT,
    duration_ms     INTEGER,
    rows_affected   INTEGER,
    schema_before   TEXT,
    schema_after    TEXT,
    detail          TEXT,
    prev_hash       TEXT NOT NULL UNIQUE,
    hash            TEXT NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS main.switchback_ledger_no_update BEFORE UPDATE ON {ledger}
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER IF NOT EXISTS main.switchback_ledger_no_delete BEFORE DELETE ON {ledger}
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TABLE IF NOT EXISTS main.{script} (
    checksum TEXT PRIMARY KEY NOT NULL,
    body     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS main.{journal} (
    step          INTEGER NOT NULL,
    statement     INTEGER NOT NULL,
    run           TEXT NOT NULL,
    token         INTEGER NOT NULL,
    state         TEXT NOT NULL,
    checksum      TEXT NOT NULL,
    digest_before TEXT,
    digest_after  TEXT,
    backend       TEXT,
    PRIMARY KEY (step, statement)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS main.{lease} (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    token   INTEGER NOT NULL,
    run     TEXT,
    actor   TEXT,
    host    TEXT,
    pid     TEXT,
    what    TEXT,
    backend TEXT,
    since   TEXT
) STRICT;

INSERT INTO main.{lease} (id, token) VALUES (1, 0) ON CONFLICT DO NOTHING;

COMMIT;
