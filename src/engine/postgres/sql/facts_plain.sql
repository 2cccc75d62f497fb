-- Where the session is; for one that only looks, which keeps the driver's own settings.
SELECT current_setting('server_version'), session_user, current_database(), pg_backend_pid(),
       (SELECT (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_stat_get_activity(pg_backend_pid())),
       current_setting('transaction_read_only'),
       current_setting('switchback.session', true)
