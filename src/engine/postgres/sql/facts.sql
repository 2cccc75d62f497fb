-- One look at where the session is, and what the server would have set by itself: the driver sends a TimeZone and a
-- DateStyle of its own, which the server's own client does not.
WITH own AS (
    SELECT entry
    FROM pg_catalog.pg_db_role_setting s
    CROSS JOIN pg_catalog.unnest(s.setconfig) AS entry
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
      AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
    ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC
)
SELECT current_setting('server_version'), session_user, current_database(), pg_backend_pid(),
       (SELECT (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_stat_get_activity(pg_backend_pid())),
       current_setting('transaction_read_only'),
       current_setting('switchback.session', true),
       (SELECT substr(entry, strpos(entry, '=') + 1) FROM own WHERE lower(split_part(entry, '=', 1)) = 'timezone' LIMIT 1),
       (SELECT substr(entry, strpos(entry, '=') + 1) FROM own WHERE lower(split_part(entry, '=', 1)) = 'datestyle' LIMIT 1),
       current_setting('log_timezone'),
       has_table_privilege('pg_catalog.pg_file_settings', 'SELECT'),
       current_setting('synchronous_commit')
