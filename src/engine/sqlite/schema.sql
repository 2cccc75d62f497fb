-- The whole schema in one row: a JSON array of [kind, name, table, text]. The facts about the file come first, so that an empty
-- schema still proves that it was read. Indexes without text belong to constraints, which their table's text holds.
SELECT json_group_array(json_array(kind, name, tbl, value))
FROM (
    SELECT 'database' AS kind, 'encoding' AS name, NULL AS tbl, encoding AS value FROM pragma_encoding
    UNION ALL
    SELECT 'database', 'user_version', NULL, CAST(user_version AS TEXT) FROM pragma_user_version
    UNION ALL
    SELECT 'database', 'application_id', NULL, CAST(application_id AS TEXT) FROM pragma_application_id
    UNION ALL
    SELECT type, name, tbl_name, sql
    FROM main.sqlite_schema
    WHERE sql IS NOT NULL
        AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
        AND tbl_name NOT IN ('switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease')
        AND NOT (
            EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %')
            AND tbl_name IN (SELECT name FROM pragma_table_list WHERE "schema" = 'main' AND type = 'shadow')
        )
);
