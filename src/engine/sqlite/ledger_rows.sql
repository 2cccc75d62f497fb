-- Binds: seq (exclusive), limit.
SELECT json_group_array(json_array(
    seq, event, phase, migration, digest, up_checksum, down_checksum, verify_checksum, settings, proof, plan,
    run, reverts, statement, actor, db_user, git_author, git_commit, ci, host, tool, reason, ticket, approvals,
    started_at, finished_at, duration_ms, rows_affected, schema_before, schema_after, detail, prev_hash, hash
)) AS switchback_packed
FROM (
    SELECT * FROM main.{ledger} WHERE seq > CAST(? AS INTEGER) ORDER BY seq LIMIT CAST(? AS INTEGER)
);
