UPDATE main.{journal} AS journal
SET state = 'done', digest_after = done.digest
FROM (SELECT CAST(? AS INTEGER) AS step, CAST(? AS INTEGER) AS statement, ? AS digest) AS done
WHERE journal.step = done.step AND journal.statement = done.statement;
