-- PostgreSQL 18 lists each NOT NULL here, too; the column says that already, unless there is more to say.
SELECT r.oid::text, 'constraint', r.name || '.' || quote_ident(k.conname), json_build_array(
    '', '',
    'definition', pg_get_constraintdef(k.oid),
    'inherited', CASE WHEN NOT k.conislocal THEN 'yes' END,
    'index options', CASE WHEN x.reloptions IS NOT NULL THEN
        (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(x.reloptions) AS entry) END,
    'tablespace', quote_ident(ts.spcname),
    'clustered', CASE WHEN i.indisclustered THEN 'yes' END,
    'replica identity', CASE WHEN i.indisreplident THEN 'yes' END,
    'triggers', CASE WHEN k.contype = 'f'
                      THEN (SELECT string_agg(g.tgenabled::text, '' ORDER BY g.tgenabled) FROM pg_trigger g
                            WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') END)::text
FROM pg_constraint k
JOIN rel r ON r.oid = k.conrelid
LEFT JOIN pg_class x ON x.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_index i ON i.indexrelid = x.oid
LEFT JOIN pg_tablespace ts ON ts.oid = x.reltablespace
WHERE (k.contype IN ('c', 'f', 'p', 'u', 'x') OR k.contype = 'n' AND (k.connoinherit OR NOT k.convalidated))
