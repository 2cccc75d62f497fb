-- The run's lock lives in a transaction of its own session, which a pooler pins and which ends with the client. READ COMMITTED
-- and no open portal: the session holds no snapshot while it waits, so CREATE INDEX CONCURRENTLY does not wait for it.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL idle_in_transaction_session_timeout TO '60s';
SET LOCAL statement_timeout TO '10s';
SELECT pg_catalog.set_config('transaction_timeout', '0', true) WHERE pg_catalog.current_setting('server_version_num')::int >= 170000;
SELECT pg_catalog.pg_try_advisory_xact_lock(1396856651, 1),
       pg_catalog.pg_backend_pid()::text || ':' || (
           SELECT (extract(epoch FROM backend_start) * 1000000)::bigint::text
           FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())
       );
