-- +goose Up
create table a (x int);
-- +goose Down
drop table a;
