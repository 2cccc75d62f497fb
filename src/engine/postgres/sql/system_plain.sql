-- Which running server and which database, for those who may not ask for the cluster's identifier.
SELECT (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint || '@'
       || coalesce(pg_catalog.inet_server_port()::text, pg_catalog.current_setting('port')) || '/' || d.oid
FROM pg_catalog.pg_database d
WHERE d.datname = current_database()
