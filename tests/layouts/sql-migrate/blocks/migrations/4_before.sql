-- +migrate StatementBegin
-- +migrate Up
create trigger t after insert on a begin
  select 1;
  select 2;
end;
-- +migrate StatementEnd
-- +migrate Down
drop table a;
