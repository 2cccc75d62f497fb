-- One row per column of each base table. The session's settings decide how expressions are quoted, and whether MySQL tells of a
-- primary key that it made by itself: pinned and put back.
SET @switchback_sql_mode = @@sql_mode, @switchback_concat = @@group_concat_max_len
    /*!80030 , @switchback_keys = @@show_gipk_in_create_table_and_information_schema */;
SET SESSION sql_mode = '', group_concat_max_len = 1048576
    /*!80030 , show_gipk_in_create_table_and_information_schema = 1 */;
SELECT
    NULL,
    c.table_name,
    c.column_name,
    CASE
        WHEN c.data_type IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint') THEN 'integer'
        WHEN c.data_type = 'decimal' THEN 'number'
        WHEN c.data_type IN ('float', 'double') THEN 'float'
        WHEN c.data_type = 'longtext' AND k.checks LIKE CONCAT('%json_valid(`', c.column_name, '`)%') THEN 'json'
        WHEN c.data_type IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext') THEN 'text'
        WHEN c.data_type IN ('binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob') THEN 'bytes'
        WHEN c.data_type IN ('date', 'time', 'year', 'json', 'enum', 'set', 'uuid', 'point') THEN c.data_type
        WHEN c.data_type IN ('datetime', 'timestamp') THEN 'timestamp'
        WHEN c.data_type = 'bit' THEN 'bits'
        WHEN c.data_type IN ('inet4', 'inet6') THEN 'inet'
        ELSE 'other'
    END,
    CONCAT(c.column_type /*!80003 , COALESCE(CONCAT(' srid ', c.srs_id), '') */),
    COALESCE(c.character_maximum_length, c.numeric_precision),
    c.numeric_scale,
    IF(c.is_nullable = 'YES', 1, 0),
    IF(COALESCE(c.column_default, 'NULL') <> 'NULL' OR c.extra LIKE '%auto_increment%', 1, 0),
    IF(c.generation_expression <> '', 1, 0),
    u.names,
    IF(
        c.data_type IN ('enum', 'set'),
        REPLACE(
            REPLACE(SUBSTRING(c.column_type, CHAR_LENGTH(c.data_type) + 3, CHAR_LENGTH(c.column_type) - CHAR_LENGTH(c.data_type) - 4), ''',''', '\n'),
            '''''',
            ''''
        ),
        NULL
    ),
    k.checks,
    c.table_name
FROM information_schema.columns AS c
-- Written so that the server does not derive one name from the other: it looks a table up by a literal only.
JOIN information_schema.tables AS t
    ON CONCAT(t.table_name, '') = CONCAT(c.table_name, '') AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
LEFT JOIN (
    SELECT table_name, column_name, GROUP_CONCAT(index_name ORDER BY index_name SEPARATOR ',') AS names
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name {only} AND non_unique = 0
    GROUP BY table_name, column_name
) AS u ON u.table_name = c.table_name AND u.column_name = c.column_name
-- MySQL escapes the quotes of a check's literals and puts a character set before each: `kind` = _utf8mb4\'old\'.
LEFT JOIN (
    /*M!100310
    SELECT table_name, GROUP_CONCAT(check_clause ORDER BY constraint_name SEPARATOR '\n') AS checks
    FROM information_schema.check_constraints
    WHERE constraint_schema = DATABASE() AND table_name {only}
    GROUP BY table_name
    */
    /*!80016
    SELECT tc.table_name, GROUP_CONCAT(REGEXP_REPLACE(
        REPLACE(cc.check_clause, CHAR(92, 39 USING utf8mb4), CHAR(39 USING utf8mb4)),
        CONCAT('_[a-z0-9]+', CHAR(39 USING utf8mb4)), CHAR(39 USING utf8mb4)
    ) ORDER BY cc.constraint_name SEPARATOR '\n') AS checks
    FROM information_schema.check_constraints AS cc
    JOIN information_schema.table_constraints AS tc
        ON tc.constraint_schema = cc.constraint_schema AND tc.constraint_name = cc.constraint_name
    WHERE cc.constraint_schema = DATABASE() AND tc.table_name {only} AND tc.constraint_type = 'CHECK'
    GROUP BY tc.table_name
    */
) AS k ON k.table_name = c.table_name
WHERE c.table_schema = DATABASE()
    AND t.table_schema = DATABASE()
    AND c.table_name {only}
    AND t.table_name {only}
    AND c.table_name NOT IN (
        'switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease', 'switchback_marker'
    )
ORDER BY c.table_name, c.ordinal_position;
SET SESSION sql_mode = @switchback_sql_mode, group_concat_max_len = @switchback_concat
    /*!80030 , show_gipk_in_create_table_and_information_schema = @switchback_keys */;
