-- Foreign data wrappers, servers and user mappings. A password among the options is never read.
SELECT 'foreign data wrapper', quote_ident(f.fdwname), json_build_array(
    '', '',
    'handler', nullif(f.fdwhandler, 0)::regprocedure::text,
    'validator', nullif(f.fdwvalidator, 0)::regprocedure::text,
    'options', (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(f.fdwoptions) AS entry),
    'owner', nullif(w.name, 'self'))::text
FROM pg_foreign_data_wrapper f
LEFT JOIN who w ON w.oid = f.fdwowner
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_foreign_data_wrapper'::regclass AND o.objid = f.oid)
UNION ALL
SELECT 'server', quote_ident(f.srvname), json_build_array(
    '', '',
    'wrapper', quote_ident(d.fdwname),
    'type', f.srvtype,
    'version', f.srvversion,
    'options', (SELECT string_agg(CASE WHEN entry ~* 'password|secret' THEN split_part(entry, '=', 1) || '=***' ELSE entry END, ', ' ORDER BY entry)
                 FROM unnest(f.srvoptions) AS entry),
    'owner', nullif(w.name, 'self'))::text
FROM pg_foreign_server f
JOIN pg_foreign_data_wrapper d ON d.oid = f.srvfdw
LEFT JOIN who w ON w.oid = f.srvowner
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_foreign_server'::regclass AND o.objid = f.oid)
UNION ALL
SELECT 'user mapping', coalesce(w.name, 'PUBLIC') || ' on ' || quote_ident(m.srvname), json_build_array(
    '', '',
    'options', (SELECT string_agg(CASE WHEN entry ~* 'password|secret' THEN split_part(entry, '=', 1) || '=***' ELSE entry END, ', ' ORDER BY entry)
                 FROM unnest(m.umoptions) AS entry))::text
FROM pg_user_mappings m
LEFT JOIN who w ON w.oid = m.umuser
