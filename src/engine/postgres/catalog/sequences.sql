-- Options, never the counter.
SELECT r.oid::text, 'sequence', r.name, json_build_array(
    '', '',
    'definition', concat_ws(' ', format_type(q.seqtypid, NULL), 'start', q.seqstart, 'increment', q.seqincrement, 'minvalue', q.seqmin,
                             'maxvalue', q.seqmax, 'cache', q.seqcache, CASE WHEN q.seqcycle THEN 'cycle' END),
    'owned by', d.refobjid::regclass || '.' || quote_ident(a.attname),
    'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
    'owner', nullif(w.name, 'self'))::text
FROM rel r
JOIN pg_sequence q ON q.seqrelid = r.oid
LEFT JOIN who w ON w.oid = r.relowner
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0 AND d.deptype IN ('a', 'i')
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
