SELECT token, run, actor, host, pid, what, backend, DATE_FORMAT(since, '%Y-%m-%dT%H:%i:%sZ')
FROM {lease}
WHERE id = 1 AND token > 0;
