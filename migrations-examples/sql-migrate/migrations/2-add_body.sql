-- +migrate Up
alter table notes add column body varchar(1000) default '' not null;

-- +migrate Down
alter table notes drop column body;
