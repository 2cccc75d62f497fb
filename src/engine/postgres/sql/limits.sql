SET LOCAL lock_timeout TO {lock_timeout_ms};
SET LOCAL statement_timeout TO {statement_timeout_ms};
