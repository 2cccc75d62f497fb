-- +goose Up
create table a (x int);
-- +goose Down
-- +goose StatementBegin
drop table a;
