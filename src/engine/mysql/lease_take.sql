-- LAST_INSERT_ID keeps the token that this very UPDATE gave, whoever comes next.
UPDATE {lease}
SET token = LAST_INSERT_ID(token + 1), run = ?, actor = ?, host = ?, pid = ?, what = ?, backend = ?, since = UTC_TIMESTAMP(3)
WHERE id = 1;
SELECT LAST_INSERT_ID();
