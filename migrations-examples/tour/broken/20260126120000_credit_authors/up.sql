-- Notes have authors from now on, and the view shows them.
alter table notes add column author text not null default 'nobody';
drop view if exists pinned_notes;
create view pinned_notes as select id, title, author from notes where pinned = 1;
