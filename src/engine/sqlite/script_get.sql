SELECT body FROM main.{script} WHERE checksum = ?;
