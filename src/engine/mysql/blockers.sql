-- Other transactions of this database, oldest first. Needs the right PROCESS.
SELECT CONCAT('connection ', p.ID, ' (', p.USER, '@', p.HOST, ', ', p.COMMAND, ', in a transaction since ', t.trx_started, ')')
FROM information_schema.INNODB_TRX AS t
JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id
WHERE p.ID <> CONNECTION_ID() AND p.DB = DATABASE()
ORDER BY t.trx_started, p.ID
LIMIT 3
