-- Which sessions hold our two locks. Everybody may ask that; whose another account's session is shows with the right PROCESS only.
SELECT held.which, held.id, CONCAT(p.user, '@', p.host)
FROM (SELECT 'run' AS which, IS_USED_LOCK(?) AS id UNION ALL SELECT 'work', IS_USED_LOCK(?)) AS held
LEFT JOIN information_schema.processlist AS p ON p.id = held.id
WHERE held.id IS NOT NULL;
