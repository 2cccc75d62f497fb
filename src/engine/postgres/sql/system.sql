-- Which cluster and which database.
SELECT s.system_identifier::text || '/' || d.oid
FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_database d
WHERE d.datname = current_database()
