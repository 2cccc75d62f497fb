INSERT INTO {script} (checksum, body) VALUES ($1, $2) ON CONFLICT (checksum) DO NOTHING
