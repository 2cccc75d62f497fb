SELECT r.oid::text, CASE r.relkind WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END,
       r.name, json_build_array(
    '', '',
    'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
    'row security', CASE WHEN r.relrowsecurity THEN 'enabled' END,
    'force row security', CASE WHEN r.relforcerowsecurity THEN 'enabled' END,
    'options', (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(r.reloptions) AS entry),
    'toast options', (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(toast.reloptions) AS entry),
    'access method', nullif(am.amname, 'heap')::text,
    'tablespace', quote_ident(ts.spcname),
    'of type', CASE WHEN r.reloftype <> 0 THEN r.reloftype::regtype::text END,
    'partition key', CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid) END,
    'partition bound', CASE WHEN r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END,
    'replica identity', CASE WHEN r.relkind IN ('r', 'p', 'm')
                              THEN CASE r.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' END END,
    'populated', CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN 'no' END,
    'body', CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END,
    'server', quote_ident(fs.srvname),
    'foreign options', (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(ft.ftoptions) AS entry),
    'owner', nullif(w.name, 'self'))::text
FROM rel r
LEFT JOIN who w ON w.oid = r.relowner
LEFT JOIN pg_class toast ON toast.oid = r.reltoastrelid
LEFT JOIN pg_am am ON am.oid = r.relam
LEFT JOIN pg_tablespace ts ON ts.oid = r.reltablespace
LEFT JOIN pg_foreign_table ft ON ft.ftrelid = r.oid
LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver
WHERE r.relkind <> 'S'
UNION ALL
SELECT r.oid::text, CASE r.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, r.name,
       json_build_array(
    CASE WHEN r.relispartition THEN 'partition of' ELSE 'inherits' END,
    string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno),
    'detach pending', CASE WHEN bool_or(i.inhdetachpending) THEN 'yes' END)::text
FROM rel r
JOIN pg_inherits i ON i.inhrelid = r.oid
GROUP BY r.oid, r.relkind, r.name, r.relispartition
