-- Ends the session only if it is the one that holds the lock now: a process id alone may be another's by then.
SELECT pg_catalog.pg_terminate_backend(l.pid)::text
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1396856651 AND l.objid::text = $1 AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.pid::text = $2
  AND (a.backend_start IS NULL OR (extract(epoch FROM a.backend_start) * 1000000)::bigint::text = $3)
