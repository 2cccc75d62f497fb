-- migrate:up
create table a (x int);
-- migrate:dwon
drop table a;
