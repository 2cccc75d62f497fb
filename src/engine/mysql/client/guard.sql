START TRANSACTION READ WRITE;
UPDATE {lease} SET token = token + 1 WHERE id = 1;
SET @switchback_guard = IF(
    COALESCE(
        (SELECT hash FROM {ledger} ORDER BY seq DESC LIMIT 1), '0000000000000000000000000000000000000000000000000000000000000000'
    ) = ?,
    'DO 0', 'DO `the ledger is not where this file begins; nothing was run`'
);
PREPARE switchback_guard FROM @switchback_guard;
EXECUTE switchback_guard;
DEALLOCATE PREPARE switchback_guard;
