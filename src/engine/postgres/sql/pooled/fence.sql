-- As fence.sql; the second lock is held for as long as the transaction is. Whoever took it from this run lets no token be read.
SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock(1396856651, 2) THEN token::text END, pg_catalog.pg_current_xact_id()::text
FROM {lease} WHERE id = 1 FOR UPDATE;
SELECT ledger.seq::text, hash FROM {ledger} AS ledger ORDER BY ledger.seq DESC LIMIT 1
