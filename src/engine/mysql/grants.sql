-- Rights on tables, columns and routines of {database} that others have. information_schema tells nothing of routines, and an
-- account that may not read these tables finds only its own there. Whoever makes a routine gets its rights by itself.
SELECT
    'grant' AS kind,
    CONVERT(CONCAT(table_name, ' to ''', user, '''@''', host, '''') USING utf8mb4) AS object,
    'privileges' AS property,
    CONVERT(table_priv USING utf8mb4) AS value
FROM mysql.tables_priv
WHERE db = {database}
    AND table_priv <> ''
    AND table_name NOT IN (
        'switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease', 'switchback_marker', 'switchback_grants'
    )
UNION ALL
SELECT
    'grant',
    CONVERT(CONCAT(table_name, '.', column_name, ' to ''', user, '''@''', host, '''') USING utf8mb4),
    'privileges',
    CONVERT(column_priv USING utf8mb4)
FROM mysql.columns_priv
WHERE db = {database}
UNION ALL
SELECT
    'grant',
    CONVERT(CONCAT(LOWER(routine_type), ' ', routine_name, ' to ''', user, '''@''', host, '''') USING utf8mb4),
    'privileges',
    CONVERT(proc_priv USING utf8mb4)
FROM mysql.procs_priv
WHERE db = {database}
    AND proc_priv <> ''
    AND user NOT LIKE 'switchback|_s|_%' ESCAPE '|'
    AND NOT (CONCAT(user, '@', host) = CURRENT_USER() AND FIND_IN_SET('Grant', proc_priv) = 0);
