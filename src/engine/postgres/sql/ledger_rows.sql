SELECT
    seq::text, event, phase, migration, digest, up_checksum,
    down_checksum, verify_checksum, settings, proof, plan, run,
    reverts::text, statement::text, actor, db_user, git_author, git_commit,
    ci, host, tool, reason, ticket, approvals,
    started_at, finished_at, duration_ms::text, rows_affected::text, schema_before, schema_after,
    detail, prev_hash, hash
FROM {ledger} AS ledger
WHERE seq > $1::bigint
ORDER BY ledger.seq
LIMIT $2::bigint
