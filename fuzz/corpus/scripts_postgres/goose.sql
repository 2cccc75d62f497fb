select 1;
-- +goose StatementBegin
select 2; select 3;
-- +goose statementend
select 4;