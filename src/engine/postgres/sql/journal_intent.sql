INSERT INTO {journal} (run, token, step, statement, state, checksum, digest_before, backend)
VALUES ($1, $2::bigint, $3::bigint, $4::bigint, 'intent', $5, $6, $7)
ON CONFLICT (step, statement) DO UPDATE
SET run = excluded.run, token = excluded.token, state = 'intent', checksum = excluded.checksum,
    digest_before = excluded.digest_before, digest_after = NULL, backend = excluded.backend
