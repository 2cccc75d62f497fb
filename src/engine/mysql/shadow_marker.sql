SELECT
    m.nonce,
    m.host,
    m.pid,
    TIMESTAMPDIFF(HOUR, m.made, UTC_TIMESTAMP()),
    (SELECT COUNT(*) FROM information_schema.processlist WHERE db = ?)
FROM {database}.switchback_marker AS m;
