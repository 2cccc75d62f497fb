-- Each statement commits for itself, those of lease_create.sql before. The ledger is made after all that it needs: where it exists, the rest
-- does, too, and a run that was killed in between is gone on with by the next.
CREATE TABLE IF NOT EXISTS {script} (
    checksum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    body LONGTEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'Scripts that switchback ran, by content';

CREATE TABLE IF NOT EXISTS {journal} (
    step BIGINT NOT NULL,
    statement BIGINT NOT NULL,
    run VARCHAR(255) NOT NULL,
    token BIGINT NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    checksum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    digest_before VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    digest_after VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    backend VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    PRIMARY KEY (step, statement)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'Statements of the step that switchback is running';

CREATE TABLE IF NOT EXISTS {ledger} (
    seq BIGINT NOT NULL PRIMARY KEY,
    event VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    phase VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    migration VARCHAR(255),
    digest VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    up_checksum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    down_checksum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    verify_checksum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    settings MEDIUMTEXT,
    proof MEDIUMTEXT,
    plan VARCHAR(255),
    run VARCHAR(255),
    reverts BIGINT,
    statement BIGINT,
    actor TEXT,
    db_user TEXT,
    git_author TEXT,
    git_commit TEXT,
    ci TEXT,
    host TEXT,
    tool TEXT,
    reason MEDIUMTEXT,
    ticket TEXT,
    approvals MEDIUMTEXT,
    started_at VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    finished_at VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin,
    duration_ms BIGINT,
    rows_affected BIGINT,
    schema_before VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    schema_after VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    detail MEDIUMTEXT,
    prev_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    UNIQUE KEY prev_hash (prev_hash),
    KEY migration (migration, seq)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    COMMENT 'What switchback did to this database; append-only';
