-- Reads the file, and so rolls a journal back that nobody alive holds.
SELECT count(*) FROM main.sqlite_schema;
