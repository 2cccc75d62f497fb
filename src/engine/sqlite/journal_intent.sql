-- A statement that is tried again takes the place of its own earlier intent.
INSERT INTO main.{journal} (run, token, step, statement, checksum, digest_before, backend, state)
VALUES (?, ?, ?, ?, ?, ?, ?, 'intent')
ON CONFLICT (step, statement) DO UPDATE SET
    run = excluded.run, token = excluded.token, checksum = excluded.checksum, state = excluded.state,
    digest_before = excluded.digest_before, digest_after = NULL, backend = excluded.backend;
