UPDATE {lease}
SET token = token + 1, run = NULL, backend = NULL, actor = NULL, host = NULL, since = NULL
WHERE id = 2 AND run = ?;
