-- migrate:up
create table a (x int);
