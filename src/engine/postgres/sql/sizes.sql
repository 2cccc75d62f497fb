-- Tables of the user's whose name is among $1 (a line each, in lower case), with rows by the statistics and bytes. Reading a size
-- takes a lock itself: where another session has the table for itself, or waits for that, its size is left out.
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       CASE WHEN c.reltuples >= 0 AND NOT (c.reltuples = 0 AND c.relpages = 0) THEN c.reltuples::bigint::text END,
       CASE WHEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_locks AS l
           JOIN pg_catalog.pg_partition_tree(c.oid) AS p ON p.relid = l.relation
           WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
             AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
       ) AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_locks AS l
           WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation = c.oid
             AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
       ) THEN CASE c.relkind
           WHEN 'p' THEN (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(p.relid)), 0)::bigint::text
                          FROM pg_catalog.pg_partition_tree(c.oid) AS p)
           ELSE pg_catalog.pg_total_relation_size(c.oid)::text
       END END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND lower(c.relname) = ANY (string_to_array($1, chr(10)))
ORDER BY 1
