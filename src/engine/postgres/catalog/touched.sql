-- As with.sql, for the relations alone that a script can have touched: those that its transaction has locked against others,
-- those that it names (GRANT and the like lock nothing), and the tables of such indexes.
WITH
hit AS MATERIALIZED (
    SELECT l.relation AS oid
    FROM pg_locks l
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384
      AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    UNION
    SELECT c.oid
    FROM pg_class c
    WHERE c.relname = ANY (string_to_array(current_setting('switchback.names'), E'\n')::name[])
),
touched AS MATERIALIZED (
    SELECT oid FROM hit
    UNION
    SELECT i.indrelid FROM hit JOIN pg_index i ON i.indexrelid = hit.oid
),
owned AS MATERIALIZED (
    SELECT d.classid, d.objid FROM touched t JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e'
),
-- Schemas that count: neither the server's nor ours nor an extension's.
space AS MATERIALIZED (
    SELECT n.oid, quote_ident(n.nspname) AS name, n.nspowner, n.nspacl
    FROM pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', {ours})
),
-- Roles by name; oneself and the database's owner read as "self", so that a shadow and the live database compare.
who AS MATERIALIZED (
    SELECT r.oid,
           CASE WHEN r.rolname IN (session_user, current_user) OR r.oid = d.datdba THEN 'self' ELSE quote_ident(r.rolname) END AS name
    FROM pg_roles r
    CROSS JOIN (SELECT datdba FROM pg_database WHERE datname = current_database()) d
    UNION ALL
    SELECT 0, 'PUBLIC'
),
-- Relations that hold columns, and sequences.
rel AS MATERIALIZED (
    SELECT c.oid, s.name || '.' || quote_ident(c.relname) AS name, c.relkind, c.relowner, c.relacl, c.relpersistence,
           c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relreplident, c.relam, c.reltablespace, c.reltoastrelid,
           c.relispartition, c.relpartbound, c.reloftype, c.relispopulated
    FROM pg_class c
    JOIN space s ON s.oid = c.relnamespace
    WHERE c.oid IN (SELECT oid FROM touched) AND c.oid >= 16384
      AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid)
),
-- What belongs to these relations and may carry a comment.
member AS MATERIALIZED (
    SELECT oid AS owner, 'pg_class'::regclass::oid AS classid, oid AS objid FROM rel
    UNION ALL SELECT r.oid, 'pg_class'::regclass, i.indexrelid FROM rel r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL SELECT r.oid, 'pg_constraint'::regclass, k.oid FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid
    UNION ALL SELECT r.oid, 'pg_trigger'::regclass, g.oid FROM rel r JOIN pg_trigger g ON g.tgrelid = r.oid
    UNION ALL SELECT r.oid, 'pg_rewrite'::regclass, w.oid FROM rel r JOIN pg_rewrite w ON w.ev_class = r.oid
    UNION ALL SELECT r.oid, 'pg_policy'::regclass, y.oid FROM rel r JOIN pg_policy y ON y.polrelid = r.oid
    UNION ALL SELECT r.oid, 'pg_statistic_ext'::regclass, x.oid FROM rel r JOIN pg_statistic_ext x ON x.stxrelid = r.oid
)
