-- Whether no statement of an earlier run is still running. Each transaction takes the lock anew (fence.sql).
SELECT pg_catalog.pg_try_advisory_xact_lock(1396856651, 2), pg_catalog.pg_backend_pid()
