-- +goose Up
alter table notes add column body varchar(1000) default '' not null;

-- +goose Down
alter table notes drop column body;
