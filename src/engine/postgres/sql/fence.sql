-- Two statements: the second sees what whoever held the row before has committed.
SELECT token::text, pg_catalog.pg_current_xact_id()::text FROM {lease} WHERE id = 1 FOR UPDATE;
SELECT ledger.seq::text, hash FROM {ledger} AS ledger ORDER BY ledger.seq DESC LIMIT 1
