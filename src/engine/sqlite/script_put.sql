INSERT INTO main.{script} (checksum, body) VALUES (?, ?) ON CONFLICT DO NOTHING;
