-- The file's path as SQLite has it; empty for a database in memory.
SELECT file FROM pragma_database_list WHERE name = 'main';
