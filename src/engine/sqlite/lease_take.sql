UPDATE main.{lease}
SET token = token + 1, run = ?, actor = ?, host = ?, pid = ?, what = ?, backend = ?,
    since = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id = 1
RETURNING token;
