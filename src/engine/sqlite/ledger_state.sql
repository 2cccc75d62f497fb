-- With max() SQLite takes the other columns from the row that holds the greatest seq; an amendment stands where the row
-- stood that it amends.
SELECT json_group_array(json_array(seq, event, migration, digest, reverts, adopted)) AS switchback_packed
FROM (
    SELECT max(seq) AS seq, event, migration, digest, reverts, CASE event WHEN 'adopt' THEN proof END AS adopted
    FROM main.{ledger}
    WHERE phase = 'done' AND event IN ('apply', 'revert', 'adopt', 'amend') AND migration IS NOT NULL
    GROUP BY migration
    ORDER BY CASE event WHEN 'amend' THEN reverts ELSE max(seq) END
);
