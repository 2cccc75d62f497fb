-- As with.sql, for the relations alone that a script can have touched: those that its transaction has locked against others,
-- those that it names (GRANT and the like lock nothing), and the tables of such indexes. Each is looked up by itself (OFFSET 0
-- keeps the look-up whole): the plan is made while the catalog is small, and a walk through all of it would grow with it.
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
    SELECT i.indrelid FROM hit CROSS JOIN LATERAL (SELECT indrelid FROM pg_index WHERE indexrelid = hit.oid OFFSET 0) i
),
owned AS MATERIALIZED (
    SELECT d.objid
    FROM touched t
    CROSS JOIN LATERAL (
        SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = t.oid AND deptype = 'e' OFFSET 0) d
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
    FROM touched t
    CROSS JOIN LATERAL (SELECT * FROM pg_class WHERE oid = t.oid AND relkind IN ('r', 'p', 'f', 'v', 'm', 'S') OFFSET 0) c
    JOIN space s ON s.oid = c.relnamespace
    WHERE t.oid >= 16384
      AND NOT EXISTS (SELECT FROM owned o WHERE o.objid = t.oid)
),
-- What belongs to these relations and may carry a comment.
member AS MATERIALIZED (
    SELECT oid AS owner, 'pg_class'::regclass::oid AS classid, oid AS objid FROM rel
    UNION ALL SELECT r.oid, 'pg_class'::regclass, i.indexrelid FROM rel r CROSS JOIN LATERAL (SELECT indexrelid FROM pg_index WHERE indrelid = r.oid OFFSET 0) i
    UNION ALL SELECT r.oid, 'pg_constraint'::regclass, k.oid FROM rel r CROSS JOIN LATERAL (SELECT oid FROM pg_constraint WHERE conrelid = r.oid OFFSET 0) k
    UNION ALL SELECT r.oid, 'pg_trigger'::regclass, g.oid FROM rel r CROSS JOIN LATERAL (SELECT oid FROM pg_trigger WHERE tgrelid = r.oid OFFSET 0) g
    UNION ALL SELECT r.oid, 'pg_rewrite'::regclass, w.oid FROM rel r CROSS JOIN LATERAL (SELECT oid FROM pg_rewrite WHERE ev_class = r.oid OFFSET 0) w
    UNION ALL SELECT r.oid, 'pg_policy'::regclass, y.oid FROM rel r CROSS JOIN LATERAL (SELECT oid FROM pg_policy WHERE polrelid = r.oid OFFSET 0) y
    UNION ALL SELECT r.oid, 'pg_statistic_ext'::regclass, x.oid FROM rel r CROSS JOIN LATERAL (SELECT oid FROM pg_statistic_ext WHERE stxrelid = r.oid OFFSET 0) x
)
