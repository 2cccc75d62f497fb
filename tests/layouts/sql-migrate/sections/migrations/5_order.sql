-- +migrate Down
drop table a;
-- +migrate Up
create table a (x int);
