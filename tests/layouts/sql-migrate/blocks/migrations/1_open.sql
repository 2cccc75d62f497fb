-- +migrate Up
-- +migrate StatementBegin
create trigger t after insert on a begin
  select 1;
  select 2;
end;
-- +migrate Down
drop trigger t;
