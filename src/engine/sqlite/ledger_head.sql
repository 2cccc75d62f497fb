SELECT seq, hash FROM main.{ledger} ORDER BY seq DESC LIMIT 1;
