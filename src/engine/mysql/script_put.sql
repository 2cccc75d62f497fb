INSERT INTO {script} (checksum, body) VALUES (?, ?) ON DUPLICATE KEY UPDATE checksum = checksum;
