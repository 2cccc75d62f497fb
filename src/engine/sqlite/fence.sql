-- BEGIN IMMEDIATE already keeps every other writer out until the transaction ends. SQLite has no transaction ids.
SELECT token, NULL FROM main.{lease} WHERE id = 1
UNION ALL
SELECT seq, hash FROM (SELECT seq, hash FROM main.{ledger} ORDER BY seq DESC LIMIT 1);
