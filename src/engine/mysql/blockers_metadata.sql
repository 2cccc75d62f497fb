-- Sessions that hold metadata locks on tables of this database, the longest in its state first; empty where the server does not keep
-- account of them.
SELECT CONCAT('connection ', t.PROCESSLIST_ID, ' (', t.PROCESSLIST_USER, '@', t.PROCESSLIST_HOST, ', ',
              t.PROCESSLIST_COMMAND, ' for ', t.PROCESSLIST_TIME, ' s): holds ',
              GROUP_CONCAT(DISTINCT m.OBJECT_NAME ORDER BY m.OBJECT_NAME SEPARATOR ', '))
FROM performance_schema.metadata_locks AS m
JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
WHERE m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED' AND m.OBJECT_SCHEMA = DATABASE()
  AND t.PROCESSLIST_ID <> CONNECTION_ID()
GROUP BY t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, t.PROCESSLIST_COMMAND, t.PROCESSLIST_TIME
ORDER BY t.PROCESSLIST_TIME DESC, t.PROCESSLIST_ID
LIMIT 3
