INSERT INTO {ledger} (
    seq, event, phase, migration, digest, up_checksum,
    down_checksum, verify_checksum, settings, proof, plan, run,
    reverts, statement, actor, db_user, git_author, git_commit,
    ci, host, tool, reason, ticket, approvals,
    started_at, finished_at, duration_ms, rows_affected, schema_before, schema_after,
    detail, prev_hash, hash
) VALUES (
    $1::bigint, $2, $3, $4, $5, $6,
    $7, $8, $9, $10, $11, $12,
    $13::bigint, $14::bigint, $15, $16, $17, $18,
    $19, $20, $21, $22, $23, $24,
    $25, $26, $27::bigint, $28::bigint, $29, $30,
    $31, $32, $33
)
