-- Wrong: the column goes away again, the addresses stay in lower case.
alter table customers add column checked integer not null default 0;
update customers set email = lower(email);
