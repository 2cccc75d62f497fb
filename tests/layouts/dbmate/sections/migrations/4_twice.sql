-- migrate:up
create table a (x int);
-- migrate:down
drop table a;
-- migrate:up
select 1;
-- migrate:down
select 2;
