BEGIN IMMEDIATE;
INSERT INTO temp.switchback_guard (head)
SELECT coalesce(
    (SELECT hash FROM main.{ledger} ORDER BY seq DESC LIMIT 1), '0000000000000000000000000000000000000000000000000000000000000000'
) = ?;
DELETE FROM temp.switchback_keys;
INSERT INTO temp.switchback_keys SELECT count(*) FROM pragma_foreign_key_check;
