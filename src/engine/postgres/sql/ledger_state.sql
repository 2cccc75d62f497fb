-- The row that tells how a migration stands now: its last; an amendment stands where the row stood that it amends.
SELECT last.seq::text, last.event, last.migration, last.digest, last.reverts::text,
    CASE last.event WHEN 'adopt' THEN last.proof END
FROM (
    SELECT DISTINCT ON (migration) seq, event, migration, digest, reverts, proof
    FROM {ledger}
    WHERE phase = 'done' AND event IN ('apply', 'revert', 'adopt', 'amend') AND migration IS NOT NULL
    ORDER BY migration, seq DESC
) AS last
ORDER BY CASE last.event WHEN 'amend' THEN last.reverts ELSE last.seq END
