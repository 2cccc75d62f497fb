BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE;
DO $switchback$
BEGIN
    UPDATE {lease} SET token = token + 1 WHERE id = 1;
    IF coalesce(
        (SELECT hash FROM {ledger} AS ledger ORDER BY ledger.seq DESC LIMIT 1),
        '0000000000000000000000000000000000000000000000000000000000000000'
    ) <> $1 THEN
        RAISE EXCEPTION 'the ledger is not where this file begins, so nothing of this step was run';
    END IF;
END
$switchback$;
