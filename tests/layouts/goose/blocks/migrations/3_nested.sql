-- +goose Up
-- +goose StatementBegin
-- +goose StatementBegin
create trigger t after insert on a begin
  select 1;
  select 2;
end;
-- +goose StatementEnd
-- +goose Down
drop table a;
