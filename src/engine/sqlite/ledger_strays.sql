-- A place of the ledger that no row, or more than one, should hold. The keys forbid it; whoever owns the table can drop those.
SELECT CAST(seq AS TEXT), CAST(count(*) AS TEXT) FROM main.{ledger}
GROUP BY seq HAVING typeof(seq) <> 'integer' OR seq < 1 OR count(*) > 1
ORDER BY seq LIMIT 1;
