-- +migrate Up
create table a (x int);
-- +migrate Down
drop table a;
