-- Default privileges: those of a role everywhere replace the built-in ones, those of a schema add to them.
SELECT 'default privilege',
       lower(g.privilege_type) || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
           WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END
       || coalesce(' in ' || s.name, '') || ' of ' || coalesce(o.name, d.defaclrole::text) || ' to ' || coalesce(w.name, g.grantee::text),
       json_build_array(
    '', CASE WHEN g.revoked THEN 'revoked' ELSE '' END,
    'grant option', CASE WHEN g.is_grantable THEN 'yes' END)::text
FROM pg_default_acl d
LEFT JOIN space s ON s.oid = d.defaclnamespace
LEFT JOIN who o ON o.oid = d.defaclrole
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.defaclnamespace <> 0 THEN acldefault('c', d.defaclrole)
                ELSE acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END::"char", d.defaclrole) END AS base
) AS b
CROSS JOIN LATERAL (
    SELECT *, false AS revoked
    FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode(d.defaclacl)
          EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(b.base)) AS more
    UNION ALL
    SELECT *, false, true
    FROM (SELECT grantee, privilege_type FROM aclexplode(b.base) EXCEPT SELECT grantee, privilege_type FROM aclexplode(d.defaclacl)) AS less
) AS g
LEFT JOIN who w ON w.oid = g.grantee
WHERE (d.defaclnamespace = 0 OR s.oid IS NOT NULL)
