-- Seconds, rounded up, at least one. MySQL has no limit for statements that write.
SET SESSION
    lock_wait_timeout = GREATEST(1, CEIL({lock_timeout_ms} / 1000)),
    innodb_lock_wait_timeout = GREATEST(1, CEIL({lock_timeout_ms} / 1000))
    /*M! , max_statement_time = {statement_timeout_ms} / 1000 */;
