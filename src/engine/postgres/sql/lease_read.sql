SELECT token::text, run, actor, host, pid, what, backend,
       pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM {lease}
WHERE id = 1 AND token > 0
