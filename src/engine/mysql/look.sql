-- Texts of values are the same whatever the server has configured, and a backslash in a literal is doubled.
SET SESSION sql_mode = '', time_zone = '+00:00';
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;
