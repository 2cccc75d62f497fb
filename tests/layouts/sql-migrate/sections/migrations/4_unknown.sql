-- +migrate Up
create table a (x int);
-- +migrate Donw
drop table a;
