SET @switchback_step = CAST(? AS SIGNED), @switchback_statement = CAST(? AS SIGNED), @switchback_after = ?;
UPDATE {journal}
SET state = 'done', digest_after = @switchback_after
WHERE step = @switchback_step AND statement = @switchback_statement;
