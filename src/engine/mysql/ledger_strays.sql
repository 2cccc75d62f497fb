-- A place of the ledger that no row, or more than one, should hold. The keys forbid it; whoever owns the table can drop those.
SELECT seq, COUNT(*) FROM {ledger} GROUP BY seq HAVING seq IS NULL OR seq < 1 OR COUNT(*) > 1 ORDER BY seq LIMIT 1;
