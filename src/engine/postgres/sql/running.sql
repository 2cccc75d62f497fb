-- Other sessions of this database that hold locks on tables whose name is among $1 (a line each, in lower case), and those that
-- are in a transaction for a minute or more: a concurrent build of an index waits for them too.
SELECT a.pid::text, a.usename::text,
       pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
       a.state, h.tables, a.query
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN LATERAL (
    SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), chr(10)) AS tables
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm')
      AND l.database = a.datid AND lower(c.relname) = ANY (string_to_array($1, chr(10)))
) AS h ON true
WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.datname = pg_catalog.current_database()
  AND (h.tables IS NOT NULL OR a.xact_start < pg_catalog.now() - interval '1 minute')
ORDER BY h.tables IS NULL, a.xact_start NULLS LAST, a.pid
LIMIT 10
