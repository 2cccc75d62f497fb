-- As grants.sql, for what is no relation.
SELECT 'grant', lower(g.privilege_type) || ' on ' || a.what || ' to ' || coalesce(CASE WHEN g.grantee = a.owner THEN 'self' ELSE w.name END, g.grantee::text),
       json_build_array(
    '', CASE WHEN g.revoked THEN 'revoked' ELSE '' END,
    'grant option', CASE WHEN g.is_grantable THEN 'yes' END)::text
FROM (
    SELECT 'schema ' || s.name AS what, s.nspacl AS acl, acldefault('n', s.nspowner) AS base, s.nspowner AS owner
    FROM space s WHERE s.nspacl IS NOT NULL
    UNION ALL
    SELECT 'function ' || f.name, f.proacl, acldefault('f', f.proowner), f.proowner
    FROM proc f WHERE f.proacl IS NOT NULL
    UNION ALL
    SELECT 'type ' || t.name, t.typacl, acldefault('T', t.typowner), t.typowner
    FROM typ t WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'database self', d.datacl, acldefault('d', d.datdba), d.datdba
    FROM pg_database d WHERE d.datname = current_database() AND d.datacl IS NOT NULL
    UNION ALL
    SELECT 'foreign data wrapper ' || quote_ident(f.fdwname), f.fdwacl, acldefault('F', f.fdwowner), f.fdwowner
    FROM pg_foreign_data_wrapper f WHERE f.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'server ' || quote_ident(f.srvname), f.srvacl, acldefault('S', f.srvowner), f.srvowner
    FROM pg_foreign_server f WHERE f.srvacl IS NOT NULL
    UNION ALL
    SELECT 'language ' || quote_ident(l.lanname), l.lanacl, acldefault('l', l.lanowner), l.lanowner
    FROM pg_language l WHERE l.lanacl IS NOT NULL
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
