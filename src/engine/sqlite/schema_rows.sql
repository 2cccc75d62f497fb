-- Some rows of the schema, as schema.sql tells them.
SELECT json_group_array(json_array(rowid, type, name, tbl_name, sql, switchback_hash(type, name, tbl_name, sql)))
FROM main.sqlite_schema
WHERE rowid IN ({rows});
