-- Who holds what, whether that session is one of this node's, and whether this account would see it if it were.
SELECT
    IF(l.id = 2, 'run', 'work'),
    l.backend,
    l.host,
    CONCAT(p.user, '@', p.host),
    IF(
        l.actor = CURRENT_USER() OR EXISTS (
            SELECT 1
            FROM information_schema.user_privileges
            WHERE privilege_type = 'PROCESS'
                AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
        ),
        1,
        0
    )
FROM {lease} AS l
LEFT JOIN information_schema.processlist AS p ON p.id = CAST(SUBSTRING_INDEX(l.backend, ':', 1) AS UNSIGNED)
WHERE l.id IN (2, 3) AND l.backend IS NOT NULL
ORDER BY l.id;
