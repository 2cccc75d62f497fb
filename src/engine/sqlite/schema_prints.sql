-- The rows of the schema by their hashes alone, in one text; of a schema without virtual tables.
SELECT coalesce(group_concat(rowid || ' ' || switchback_hash(type, name, tbl_name, sql), ','), '')
FROM main.sqlite_schema
WHERE sql IS NOT NULL
    AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
    AND tbl_name NOT IN ('switchback_ledger', 'switchback_script', 'switchback_journal', 'switchback_lease');
