-- Rows whose parent is missing: table, rowid, parent table, number of the key. Costs nothing for tables without foreign keys.
SELECT "table", rowid, parent, fkid FROM pragma_foreign_key_check;
