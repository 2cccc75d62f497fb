-- Undoes up.sql.
drop view pinned_notes;
alter table notes drop column author;
