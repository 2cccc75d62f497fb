drop view pinned_notes;
alter table notes drop column pinned;
