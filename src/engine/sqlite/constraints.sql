-- Rows whose parent is missing, a sentence each; tables WITHOUT ROWID have no number to tell. Costs nothing for tables without
-- foreign keys.
SELECT CASE WHEN v.rowid IS NULL THEN 'a row of `' ELSE 'row ' || v.rowid || ' of `' END || v."table" || '` refers by `'
    || coalesce((SELECT group_concat("from", '`, `') FROM pragma_foreign_key_list(v."table") WHERE id = v.fkid), '?')
    || '` to a row of `' || v.parent || '` that is not there'
FROM pragma_foreign_key_check AS v;
