-- no-transaction
create view titles as select id, title from notes;
