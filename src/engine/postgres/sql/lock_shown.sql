-- Servers that speak the protocol and do not know such locks may have functions that say they do.
SELECT 1
FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND granted AND classid = 1396856651 AND objid = 1 AND objsubid = 2 AND pid = pg_catalog.pg_backend_pid()
