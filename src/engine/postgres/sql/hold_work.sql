SELECT pg_catalog.pg_try_advisory_lock(1396856651, 2), pg_catalog.pg_backend_pid()
