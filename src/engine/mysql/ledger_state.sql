-- The row that tells how a migration stands now: its last; an amendment stands where the row stood that it amends.
SELECT l.seq, l.event, l.migration, l.digest, l.reverts, CASE l.event WHEN 'adopt' THEN l.proof END
FROM {ledger} AS l
JOIN (
    SELECT MAX(seq) AS seq
    FROM {ledger}
    WHERE phase = 'done' AND event IN ('apply', 'revert', 'adopt', 'amend') AND migration IS NOT NULL
    GROUP BY migration
) AS latest ON latest.seq = l.seq
ORDER BY CASE l.event WHEN 'amend' THEN l.reverts ELSE l.seq END;
