-- Only for the run that has the lock. The third row with it: that is what each transaction of the run before has written.
SET @switchback_run = ?;
UPDATE {lease}
SET token = IF(id = 1, LAST_INSERT_ID(token + 1), token + 1),
    run = @switchback_run,
    actor = IF(id = 1, ?, actor),
    host = IF(id = 1, ?, host),
    pid = ?,
    what = ?,
    backend = IF(id = 1, ?, backend),
    since = UTC_TIMESTAMP(3)
WHERE id IN (1, 3)
    AND (SELECT held.run FROM (SELECT run FROM {lease} WHERE id = 2) AS held) = @switchback_run;
SELECT IF(ROW_COUNT() > 0, LAST_INSERT_ID(), NULL);
