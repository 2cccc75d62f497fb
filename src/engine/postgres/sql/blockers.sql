-- Sessions that hold locks on tables of this database. Literals are left out of their queries: they may be secrets. What
-- another user does is NULL without the right to see it; who it is can be read by all.
SELECT format('pid %s (%s, %s, %s since %s): %s', a.pid, coalesce(nullif(a.application_name, ''), 'no application name'),
              coalesce(a.usename, '?'), coalesce(a.state, 'state unknown'),
              coalesce(to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', '?'),
              left(regexp_replace(regexp_replace(a.query, '\s+', ' ', 'g'), '''[^'']*(''|$)', '''…''', 'g'), 80))
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid <> pg_catalog.pg_backend_pid()
  AND EXISTS (
      SELECT FROM pg_catalog.pg_locks AS l
      WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' AND l.relation >= 16384
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  )
ORDER BY a.xact_start NULLS LAST, a.pid
LIMIT 3
