-- What takes rights on a shadow back from accounts that stay: the server keeps them when a database is dropped, and refuses to take
-- what nobody has.
SELECT CONCAT(
    IF(FIND_IN_SET('Grant', rights) > 0, CONCAT('REVOKE GRANT OPTION ON ', what, ' FROM ', whom, ';'), ''),
    IF(rights <> 'Grant', CONCAT('REVOKE ALL PRIVILEGES ON ', what, ' FROM ', whom, ';'), '')
)
FROM (
    SELECT
        CONVERT(CONCAT('`', REPLACE(db, '`', '``'), '`.`', REPLACE(table_name, '`', '``'), '`') USING utf8mb4) AS what,
        CONVERT(CONCAT('''', REPLACE(user, '''', ''''''), '''@''', host, '''') USING utf8mb4) AS whom,
        CONVERT(CONCAT_WS(',', NULLIF(table_priv, ''), NULLIF(column_priv, '')) USING utf8mb4) AS rights
    FROM mysql.tables_priv
    WHERE db = {name}
    UNION ALL
    SELECT
        CONVERT(CONCAT(
            routine_type, ' `', REPLACE(db, '`', '``'), '`.`', REPLACE(routine_name, '`', '``'), '`'
        ) USING utf8mb4),
        CONVERT(CONCAT('''', REPLACE(user, '''', ''''''), '''@''', host, '''') USING utf8mb4),
        CONVERT(proc_priv USING utf8mb4)
    FROM mysql.procs_priv
    WHERE db = {name}
) AS granted;
