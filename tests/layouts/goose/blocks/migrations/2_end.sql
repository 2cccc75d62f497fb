-- +goose Up
create table a (x int);
-- +goose StatementEnd
-- +goose Down
drop table a;
