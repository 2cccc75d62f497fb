SELECT body FROM {script} WHERE checksum = ?;
