SELECT 'schema', s.name, p.property, p.value
FROM space s
LEFT JOIN who w ON w.oid = s.nspowner
CROSS JOIN LATERAL (VALUES ('', ''), ('owner', nullif(w.name, 'self'))) AS p (property, value)
WHERE p.value IS NOT NULL
  AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_namespace'::regclass AND o.objid = s.oid)
