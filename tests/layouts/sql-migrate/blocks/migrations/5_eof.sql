-- +migrate Up
create table a (x int);
-- +migrate Down
-- +migrate StatementBegin
drop table a;
