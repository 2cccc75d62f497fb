SELECT ledger.seq::text, hash FROM {ledger} AS ledger ORDER BY ledger.seq DESC LIMIT 1
