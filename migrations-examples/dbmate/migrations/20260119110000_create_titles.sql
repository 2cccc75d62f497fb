-- migrate:up transaction:false
create view titles as select id, title from notes;

-- migrate:down transaction:false
drop view titles;
