-- A right that differs from what the owner and everybody have by themselves: granted, or taken away. So an ACL that was
-- never touched reads as one that says the same explicitly.
SELECT a.oid::text, 'grant', lower(g.privilege_type) || ' on ' || a.what || ' to ' || coalesce(CASE WHEN g.grantee = a.owner THEN 'self' ELSE w.name END, g.grantee::text),
       json_build_array(
    '', CASE WHEN g.revoked THEN 'revoked' ELSE '' END,
    'grant option', CASE WHEN g.is_grantable THEN 'yes' END)::text
FROM (
    SELECT r.oid, CASE r.relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END || r.name AS what, r.relacl AS acl,
           acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner) AS base, r.relowner AS owner
    FROM rel r WHERE r.relacl IS NOT NULL
    UNION ALL
    SELECT r.oid, 'column ' || r.name || '.' || quote_ident(a.attname), a.attacl, acldefault('c', r.relowner), r.relowner
    FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
) a
CROSS JOIN LATERAL (
    SELECT *, false AS revoked
    FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode(a.acl)
          EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(a.base)) AS more
    UNION ALL
    SELECT *, false, true
    FROM (SELECT grantee, privilege_type FROM aclexplode(a.base) EXCEPT SELECT grantee, privilege_type FROM aclexplode(a.acl)) AS less
) AS g
LEFT JOIN who w ON w.oid = g.grantee
