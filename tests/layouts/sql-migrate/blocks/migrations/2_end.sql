-- +migrate Up
create table a (x int);
-- +migrate StatementEnd
-- +migrate Down
drop table a;
