-- Inside the transaction, after the script: our own rows must be written whatever it switched.
PRAGMA query_only = OFF;
PRAGMA writable_schema = OFF;
PRAGMA ignore_check_constraints = OFF;
