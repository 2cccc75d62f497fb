-- The role's own limits do not apply to a transaction that we end ourselves; a commit that was reported must survive a
-- crash (a shadow need not).
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE;
SET LOCAL idle_in_transaction_session_timeout TO 0;
SELECT pg_catalog.set_config('transaction_timeout', '0', true) WHERE pg_catalog.current_setting('server_version_num')::int >= 170000;
SELECT pg_catalog.set_config('synchronous_commit', 'on', true)
WHERE pg_catalog.current_setting('synchronous_commit') = 'off' AND pg_catalog.current_setting('switchback.shadow', true) IS DISTINCT FROM 'on';
