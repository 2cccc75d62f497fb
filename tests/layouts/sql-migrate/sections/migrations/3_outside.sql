create table a (x int);
-- +migrate Up
select 1;
-- +migrate Down
select 1;
