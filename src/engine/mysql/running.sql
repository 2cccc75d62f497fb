-- Open transactions of other sessions in this database, oldest first. Needs the right PROCESS.
SELECT CAST(p.ID AS CHAR), p.USER, CAST(t.trx_started AS CHAR), LOWER(p.COMMAND), NULL, p.INFO
FROM information_schema.INNODB_TRX AS t
JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id
WHERE p.ID <> CONNECTION_ID() AND (p.DB = DATABASE() OR p.DB IS NULL)
ORDER BY t.trx_started, p.ID
LIMIT 10
