-- Cancels whatever the run is doing now: its transaction holds the second lock, in whichever session it is.
SELECT pg_catalog.pg_cancel_backend(pid)::text
FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND granted AND classid = 1396856651 AND objid = 2 AND objsubid = 2
  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
