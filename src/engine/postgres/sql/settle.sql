-- What is deferred shall fail now, not at COMMIT; then nothing that the script set may reach the ledger.
SET CONSTRAINTS ALL IMMEDIATE;
RESET SESSION AUTHORIZATION;
RESET ROLE;
SET LOCAL search_path TO pg_catalog;
SET LOCAL statement_timeout TO 0;
SET LOCAL row_security TO on;
SELECT pg_catalog.set_config('synchronous_commit', 'on', true)
WHERE pg_catalog.current_setting('synchronous_commit') = 'off' AND pg_catalog.current_setting('switchback.shadow', true) IS DISTINCT FROM 'on';
