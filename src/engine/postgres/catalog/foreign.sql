-- Foreign data wrappers, servers and user mappings. A password among the options is never read.
SELECT 'foreign data wrapper', quote_ident(f.fdwname), p.property, p.value
FROM pg_foreign_data_wrapper f
LEFT JOIN who w ON w.oid = f.fdwowner
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('handler', nullif(f.fdwhandler, 0)::regprocedure::text),
    ('validator', nullif(f.fdwvalidator, 0)::regprocedure::text),
    ('options', (SELECT string_agg(entry, ', ' ORDER BY entry) FROM unnest(f.fdwoptions) AS entry)),
    ('owner', nullif(w.name, 'self'))) AS p (property, value)
WHERE p.value IS NOT NULL
  AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_foreign_data_wrapper'::regclass AND o.objid = f.oid)
UNION ALL
SELECT 'server', quote_ident(f.srvname), p.property, p.value
FROM pg_foreign_server f
JOIN pg_foreign_data_wrapper d ON d.oid = f.srvfdw
LEFT JOIN who w ON w.oid = f.srvowner
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('wrapper', quote_ident(d.fdwname)),
    ('type', f.srvtype),
    ('version', f.srvversion),
    ('options', (SELECT string_agg(CASE WHEN entry ~* 'password|secret' THEN split_part(entry, '=', 1) || '=***' ELSE entry END, ', ' ORDER BY entry)
                 FROM unnest(f.srvoptions) AS entry)),
    ('owner', nullif(w.name, 'self'))) AS p (property, value)
WHERE p.value IS NOT NULL
  AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_foreign_server'::regclass AND o.objid = f.oid)
UNION ALL
SELECT 'user mapping', coalesce(w.name, 'PUBLIC') || ' on ' || quote_ident(m.srvname), p.property, p.value
FROM pg_user_mappings m
LEFT JOIN who w ON w.oid = m.umuser
CROSS JOIN LATERAL (VALUES
    ('', ''),
    ('options', (SELECT string_agg(CASE WHEN entry ~* 'password|secret' THEN split_part(entry, '=', 1) || '=***' ELSE entry END, ', ' ORDER BY entry)
                 FROM unnest(m.umoptions) AS entry))) AS p (property, value)
WHERE p.value IS NOT NULL
