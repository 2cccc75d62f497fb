-- The whole schema in one row: a JSON array of [row, kind, name, table, text, hash]. The facts about the file come first, so that an empty
-- schema still proves that it was read. Indexes without text belong to constraints, which their table's text holds.
SELECT json_group_array(json_array(id, kind, name, tbl, value, print))
FROM (
    SELECT NULL AS id, 'database' AS kind, 'encoding' AS name, NULL AS tbl, encoding AS value, NULL AS print FROM pragma_encoding
    UNION ALL
    SELECT NULL, 'database', 'user_version', NULL, CAST(user_version AS TEXT), NULL FROM pragma_user_version
    UNION ALL
    SELECT NULL, 'database', 'application_id', NULL, CAST(application_id AS TEXT), NULL FROM pragma_application_id
    UNION ALL
    SELECT rowid, type, name, tbl_name, sql, switchback_hash(type, name, tbl_name, sql)
    FROM main.sqlite_schema
    WHERE sql IS NOT NULL
        AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
        AND tbl_name NOT IN ('switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease')
        AND NOT (
            EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %')
            AND tbl_name IN (SELECT name FROM pragma_table_list WHERE "schema" = 'main' AND type = 'shadow')
        )
);
