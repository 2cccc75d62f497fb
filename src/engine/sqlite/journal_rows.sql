SELECT statement, state, checksum, digest_before, digest_after, backend
FROM main.{journal}
WHERE step = CAST(? AS INTEGER)
ORDER BY statement;
