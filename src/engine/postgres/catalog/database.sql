-- The database itself, and settings that belong to it.
SELECT 'database', 'self', json_build_array('', '')::text
UNION ALL
SELECT 'database', 'self', json_build_array(
    'setting ' || split_part(entry, '=', 1) || coalesce(' of ' || w.name, ''), substr(entry, strpos(entry, '=') + 1))::text
FROM pg_db_role_setting r
CROSS JOIN unnest(r.setconfig) AS entry
LEFT JOIN who w ON w.oid = r.setrole AND r.setrole <> 0
WHERE r.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
