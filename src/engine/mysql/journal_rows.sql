SELECT statement, state, checksum, digest_before, digest_after, backend
FROM {journal}
WHERE step = CAST(? AS SIGNED)
ORDER BY statement;
