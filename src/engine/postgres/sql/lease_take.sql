UPDATE {lease}
SET token = token + 1, run = $1, actor = $2, host = $3, pid = $4, what = $5, backend = $6, since = pg_catalog.clock_timestamp()
WHERE id = 1
RETURNING token::text
