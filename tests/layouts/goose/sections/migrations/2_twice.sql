-- +goose Up
create table a (x int);
-- +goose Up
select 1;
-- +goose Down
drop table a;
