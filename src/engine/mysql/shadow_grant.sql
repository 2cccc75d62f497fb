-- All that a script may need inside its own database. Without EVENT: an event would outlive the run.
GRANT
    SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES,
    CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, TRIGGER /*M!100304 , DELETE HISTORY */
ON {pattern}.* TO {user}@'localhost', {user}@'%';
