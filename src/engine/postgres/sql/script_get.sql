SELECT body FROM {script} WHERE checksum = $1
