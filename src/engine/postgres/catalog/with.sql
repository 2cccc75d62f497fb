-- What all parts below share. The parts are joined by UNION ALL into one statement, so that they see one state.
WITH
-- Objects that an extension owns.
owned AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
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
    WHERE c.oid >= 16384
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
),
-- Functions, procedures and aggregates.
proc AS MATERIALIZED (
    SELECT p.oid, s.name || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
           p.prokind, p.proowner, p.proacl
    FROM pg_proc p
    JOIN space s ON s.oid = p.pronamespace
    WHERE p.oid >= 16384
      AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_proc'::regclass AND o.objid = p.oid)
),
-- Types that somebody made by themselves: no row types of tables, no arrays, no multiranges.
typ AS MATERIALIZED (
    SELECT t.oid, s.name || '.' || quote_ident(t.typname) AS name, t.typtype, t.typowner, t.typacl, t.typrelid, t.typbasetype,
           t.typtypmod, t.typnotnull, t.typcollation, t.typdefault, t.typdefaultbin, t.typisdefined
    FROM pg_type t
    JOIN space s ON s.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.oid >= 16384
      AND t.typtype <> 'm'
      AND (t.typrelid = 0 OR c.relkind = 'c')
      AND (t.typelem = 0 OR t.typcategory <> 'A')
      AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_type'::regclass AND o.objid = t.oid)
)
