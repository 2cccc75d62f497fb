-- The same statement may be tried again after a crash that left it undone.
INSERT INTO {journal} (run, token, step, statement, checksum, digest_before, backend, state)
VALUES (?, ?, ?, ?, ?, ?, ?, 'intent')
ON DUPLICATE KEY UPDATE
    run = VALUES(run),
    token = VALUES(token),
    checksum = VALUES(checksum),
    digest_before = VALUES(digest_before),
    backend = VALUES(backend),
    state = 'intent',
    digest_after = NULL;
