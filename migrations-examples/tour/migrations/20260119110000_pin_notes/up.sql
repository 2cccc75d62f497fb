-- A note that is pinned stands on top of the list.
alter table notes add column pinned integer not null default 0;
create view pinned_notes as select id, title from notes where pinned = 1;
