UPDATE {lease} SET run = NULL, actor = NULL, host = NULL, pid = NULL, what = NULL, backend = NULL, since = NULL
WHERE id = 1 AND run = $1 AND token = $2::bigint
