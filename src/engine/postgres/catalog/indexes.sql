-- Indexes that no constraint stands for. An invalid one reads other than a valid one.
SELECT r.oid::text, 'index', s.name || '.' || quote_ident(c.relname), json_build_array(
    '', '',
    'definition', pg_get_indexdef(c.oid),
    'valid', CASE WHEN NOT i.indisvalid THEN 'no' END,
    'ready', CASE WHEN NOT i.indisready THEN 'no' END,
    'clustered', CASE WHEN i.indisclustered THEN 'yes' END,
    'replica identity', CASE WHEN i.indisreplident THEN 'yes' END,
    'tablespace', quote_ident(ts.spcname),
    'partition of', h.inhparent::regclass::text,
    'statistics', (SELECT string_agg(a.attnum || '=' || a.attstattarget, ', ' ORDER BY a.attnum) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND coalesce(a.attstattarget, -1) <> -1))::text
FROM rel r
JOIN pg_index i ON i.indrelid = r.oid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN space s ON s.oid = c.relnamespace
LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = r.oid AND k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
