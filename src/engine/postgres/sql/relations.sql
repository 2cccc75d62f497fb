-- Tables of the user's, where their rows are, and the locks that this session has on each.
SELECT c.oid::text, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       pg_catalog.pg_relation_filenode(c.oid)::text,
       (SELECT pg_catalog.string_agg(l.mode, ',') FROM pg_catalog.pg_locks AS l
        WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted AND l.locktype = 'relation' AND l.relation = c.oid)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
  AND n.nspname <> 'information_schema'
UNION ALL
-- What this transaction has dropped is in no catalog any more; its lock is.
SELECT l.relation::text, '', NULL, pg_catalog.string_agg(l.mode, ',')
FROM pg_catalog.pg_locks AS l
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted AND l.locktype = 'relation'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = l.relation)
GROUP BY l.relation
