SELECT token, NULL FROM {lease} WHERE id = 1 FOR UPDATE;
SELECT seq, hash FROM {ledger} ORDER BY seq DESC LIMIT 1;
