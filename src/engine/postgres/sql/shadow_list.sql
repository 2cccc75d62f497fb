-- Everything that carries our name, with the marker of the database or of the role, and who is connected.
SELECT s.name, coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), pg_catalog.shobj_description(r.oid, 'pg_authid')),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datname = s.name OR a.usename = s.name)::text,
       extract(epoch FROM now())::bigint::text, (d.oid IS NOT NULL)::text, (r.oid IS NOT NULL)::text
FROM (
    SELECT datname AS name FROM pg_catalog.pg_database
    UNION
    SELECT rolname FROM pg_catalog.pg_roles
) AS s
LEFT JOIN pg_catalog.pg_database d ON d.datname = s.name
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = s.name
WHERE pg_catalog.starts_with(s.name::text, 'switchback_shadow_')
ORDER BY s.name
