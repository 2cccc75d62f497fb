select 1;
select 2;
-- migrate:up
create table a (x int);
-- migrate:down
drop table a;
