-- For the session. PRAGMA busy_timeout would do, but a limit for statements needs a function of ours.
SELECT switchback_limits({lock_timeout_ms}, {statement_timeout_ms});
