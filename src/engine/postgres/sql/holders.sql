-- Which sessions hold our two locks in this database. Everybody may read that; when another user's session began and where it
-- comes from reads NULL without the right to see it.
SELECT l.objid::text,
       l.pid::text || ':' || coalesce((extract(epoch FROM a.backend_start) * 1000000)::bigint::text, ''),
       a.usename::text || coalesce('@' || pg_catalog.host(a.client_addr), '')
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1396856651 AND l.objid IN (1, 2) AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
ORDER BY l.objid
