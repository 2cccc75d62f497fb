-- A place of the ledger that no row, or more than one, should hold. The keys forbid it; whoever owns the table can drop those.
SELECT seq::text, count(*)::text FROM {ledger} AS ledger
GROUP BY ledger.seq HAVING ledger.seq IS NULL OR ledger.seq < 1 OR count(*) > 1
ORDER BY ledger.seq LIMIT 1
