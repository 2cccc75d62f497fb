UPDATE {lease}
SET token = IF(id = 1, token, token + 1),
    run = NULL, actor = NULL, host = NULL, pid = NULL, what = NULL, backend = NULL, since = NULL
WHERE id IN (1, 2, 3) AND run = ? AND (id <> 1 OR token = CAST(? AS SIGNED));
