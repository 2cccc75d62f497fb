-- +goose Up
create table removals (title varchar(100) not null);

-- +goose StatementBegin
create trigger keep_title after delete on notes
begin
  insert into removals (title) values (old.title);
end;
-- +goose StatementEnd

-- +goose Down
drop trigger keep_title;
drop table removals;
