SELECT 'schema', s.name, json_build_array(
    '', '',
    'owner', nullif(w.name, 'self'))::text
FROM space s
LEFT JOIN who w ON w.oid = s.nspowner
WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_namespace'::regclass AND o.objid = s.oid)
