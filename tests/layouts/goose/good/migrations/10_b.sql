-- words
-- +goose Up
-- +goose StatementBegin
create trigger t after insert on a begin
  select 1;
  select 2;
end;
-- +goose StatementEnd
select 1;
-- +goose Down
drop trigger t;
